"""Add covers, pages and translations.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-27 20:50:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0019'
down_revision: str | Sequence[str] | None = '0018'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

EMPTY = sa.text("''")
LISTS = (['status', 'published_at', 'id'], ['status', 'lang', 'published_at', 'id'])


def upgrade() -> None:
    """Upgrade schema."""
    # Plain ALTER TABLE on both databases: rebuilding a table on SQLite would delete the rows that refer to it.
    op.add_column('articles', sa.Column('kind', sa.String(length=16), server_default=sa.text("'article'"), nullable=False))
    op.add_column('article_revisions', sa.Column('is_page', sa.Boolean(), server_default=sa.false(), nullable=False))
    for table in ('articles', 'article_revisions'):
        op.add_column(table, sa.Column('in_menu', sa.Boolean(), server_default=sa.false(), nullable=False))
        op.add_column(table, sa.Column('comments', sa.String(length=16), server_default=sa.text("'open'"), nullable=False))
        op.add_column(table, sa.Column('cover', sa.String(length=80), server_default=EMPTY, nullable=False))
        op.add_column(table, sa.Column('cover_alt', sa.Text(), server_default=EMPTY, nullable=False))
    op.add_column('articles', sa.Column('translation_group', sa.String(length=200), server_default=EMPTY, nullable=False))
    op.add_column('article_revisions', sa.Column('translation_of', sa.String(length=200), server_default=EMPTY, nullable=False))
    op.create_index(op.f('ix_articles_translation_group_status_published_at'), 'articles', ['translation_group', 'status', 'published_at'])
    op.create_index(op.f('ix_article_revisions_translation_of'), 'article_revisions', ['translation_of'])
    op.create_index(op.f('ix_articles_kind_in_menu_status_published_at'), 'articles', ['kind', 'in_menu', 'status', 'published_at'])
    op.create_index(op.f('ix_articles_kind_edited_at_id_status'), 'articles', ['kind', 'edited_at', 'id', 'status'])
    # Lists leave out the pages.
    for columns in LISTS:
        op.drop_index(op.f(f"ix_articles_{'_'.join(columns)}"), 'articles')
        op.create_index(op.f(f"ix_articles_{'_'.join(columns)}_kind"), 'articles', [*columns, 'kind'])


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("UPDATE articles SET status = 'draft' WHERE kind = 'page'")  # an older version would list them
    for columns in LISTS:
        op.drop_index(op.f(f"ix_articles_{'_'.join(columns)}_kind"), 'articles')
        op.create_index(op.f(f"ix_articles_{'_'.join(columns)}"), 'articles', columns)
    op.drop_index(op.f('ix_articles_kind_in_menu_status_published_at'), 'articles')
    op.drop_index(op.f('ix_articles_kind_edited_at_id_status'), 'articles')
    op.drop_index(op.f('ix_article_revisions_translation_of'), 'article_revisions')
    op.drop_index(op.f('ix_articles_translation_group_status_published_at'), 'articles')
    for table, names in (
        ('articles', ('kind', 'translation_group')),
        ('article_revisions', ('is_page', 'translation_of')),
    ):
        for name in (*names, 'in_menu', 'comments', 'cover', 'cover_alt'):
            op.drop_column(table, name)
