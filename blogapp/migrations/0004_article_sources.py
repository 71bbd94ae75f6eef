"""Add sources, dates and redirects of articles.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25 04:40:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0004'
down_revision: str | Sequence[str] | None = '0003'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
DATES = ('created_at', 'first_published_at', 'updated_at')


def upgrade() -> None:
    """Upgrade schema."""
    # Plain ALTER TABLE, which SQLite can do for columns that may be NULL: no table is rebuilt.
    for name in DATES:
        op.add_column('articles', sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column('articles', sa.Column('source', sa.Text(), nullable=True))
    # It is not known when existing articles were first published; their date is the best estimate.
    articles = sa.table('articles', sa.column('draft', sa.Boolean()), sa.column('published_at'), sa.column('first_published_at'))
    op.execute(articles.update().where(articles.c.draft == sa.false()).values(first_published_at=articles.c.published_at))
    op.create_table('article_redirects',
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('article_id', ROW_ID, nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_article_redirects_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('slug', name=op.f('pk_article_redirects'))
    )
    op.create_index(op.f('ix_article_redirects_article_id'), 'article_redirects', ['article_id'], unique=False)
    # Without this index, deleting an article would scan the whole table for each of its comments.
    op.create_index(op.f('ix_comments_shown_under_id'), 'comments', ['shown_under_id'], unique=False)


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_index(op.f('ix_comments_shown_under_id'), 'comments')
    op.drop_table('article_redirects')
    for name in ('source', *reversed(DATES)):
        op.drop_column('articles', name)
