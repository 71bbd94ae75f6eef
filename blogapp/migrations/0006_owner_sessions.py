"""Add owners' sessions and sign-in attempts.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25 04:40:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0006'
down_revision: str | Sequence[str] | None = '0005'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('owner_sessions',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('owner_id', ROW_ID, nullable=False),
    sa.Column('token_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('browser', sa.String(length=60), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('expires_at', MOMENT, nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_owner_sessions_owner_id_owners'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_owner_sessions')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_owner_sessions_token_hash')),
    )
    op.create_index(op.f('ix_owner_sessions_owner_id'), 'owner_sessions', ['owner_id'])
    op.create_index(op.f('ix_owner_sessions_expires_at'), 'owner_sessions', ['expires_at'])
    op.create_table('sign_in_attempts',
    sa.Column('key', sa.LargeBinary(length=16), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('started_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_sign_in_attempts')),
    )
    op.create_index(op.f('ix_sign_in_attempts_started_at'), 'sign_in_attempts', ['started_at'])


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('sign_in_attempts')
    op.drop_table('owner_sessions')
