"""Add passkeys.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-27 20:45:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0013'
down_revision: str | Sequence[str] | None = '0012'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('passkeys',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('owner_id', ROW_ID, nullable=False),
    sa.Column('credential_id', sa.LargeBinary(length=1023), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('created_at', MOMENT, nullable=False),
    sa.Column('last_used_at', MOMENT, nullable=True),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_passkeys_owner_id_owners'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_passkeys')),
    sa.UniqueConstraint('credential_id', name=op.f('uq_passkeys_credential_id')),
    )
    op.create_index(op.f('ix_passkeys_owner_id'), 'passkeys', ['owner_id'])
    op.create_table('used_challenges',
    sa.Column('challenge_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('used_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('challenge_hash', name=op.f('pk_used_challenges')),
    )
    op.create_index(op.f('ix_used_challenges_used_at'), 'used_challenges', ['used_at'])


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('used_challenges')
    op.drop_table('passkeys')
