"""Add content versions, which the page cache compares.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-25 07:45:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0007'
down_revision: str | Sequence[str] | None = '0006'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('content_versions',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_content_versions')),
    )
    op.execute("INSERT INTO content_versions (id, version) SELECT id, 1 FROM articles UNION SELECT 0, 1 FROM articles")


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('content_versions')
