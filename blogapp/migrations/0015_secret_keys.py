"""secret keys

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-27 21:00:00.000000

"""
from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('secret_keys',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_secret_keys')),
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('secret_keys')
