"""Add what owners need to moderate comments in the browser.

Revision ID: 0010
Revises: 0007
Create Date: 2026-11-27 17:45:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0010'
down_revision: str | Sequence[str] | None = '0007'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade schema."""
    # Plain ALTER TABLE on both databases: rebuilding a table on SQLite would delete the rows that refer to it.
    op.add_column('comment_decisions', sa.Column('batch', sa.BigInteger(), nullable=True))
    op.create_index(op.f('ix_comment_decisions_batch_comment_id'), 'comment_decisions', ['batch', 'comment_id'], unique=False)


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_index(op.f('ix_comment_decisions_batch_comment_id'), 'comment_decisions')
    op.drop_column('comment_decisions', 'batch')
