"""Add the random id from which the ids of feeds and their entries are derived.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-27 21:00:00.000000

"""
from collections.abc import Sequence
from uuid import uuid4

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0014'
down_revision: str | Sequence[str] | None = '0013'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade schema."""
    # A site that is not set up yet gets its id with the first account.
    insert = "INSERT INTO site_settings (name, value) SELECT 'feed_id', :id FROM site_settings WHERE name = 'setup_done_at'"
    op.execute(sa.text(insert).bindparams(sa.bindparam('id', str(uuid4()), type_=sa.Text())))


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("DELETE FROM site_settings WHERE name = 'feed_id'")
