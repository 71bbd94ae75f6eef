"""Add the settings of the site, recovery codes, and records of the demo content.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-27 17:40:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0008'
down_revision: str | Sequence[str] | None = '0007'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('site_settings',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_site_settings')),
    )
    # A blog that has an owner needs no setup.
    op.execute(
        "INSERT INTO site_settings (name, value) SELECT 'setup_done_at', CAST(CURRENT_TIMESTAMP AS VARCHAR(40)) "
        "FROM owners GROUP BY 1 HAVING count(*) > 0"
    )
    op.create_table('recovery_codes',
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('owner_id', ROW_ID, nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_recovery_codes_owner_id_owners'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_recovery_codes')),
    )
    op.create_index(op.f('ix_recovery_codes_owner_id'), 'recovery_codes', ['owner_id'])
    op.create_table('used_reset_codes',
    sa.Column('code_hash', sa.LargeBinary(length=32), nullable=False),
    sa.Column('used_at', MOMENT, nullable=False),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_used_reset_codes')),
    )
    op.create_table('demo_articles',
    sa.Column('article_id', ROW_ID, nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_demo_articles_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', name=op.f('pk_demo_articles')),
    )
    op.create_table('demo_comments',
    sa.Column('comment_id', ROW_ID, nullable=False),
    sa.ForeignKeyConstraint(['comment_id'], ['comments.id'], name=op.f('fk_demo_comments_comment_id_comments'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('comment_id', name=op.f('pk_demo_comments')),
    )
    with op.batch_alter_table('owner_sessions') as batch_op:
        batch_op.add_column(sa.Column('last_seen_at', MOMENT, nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    with op.batch_alter_table('owner_sessions') as batch_op:
        batch_op.drop_column('last_seen_at')
    for table in ('demo_comments', 'demo_articles', 'used_reset_codes', 'recovery_codes', 'site_settings'):
        op.drop_table(table)
