"""Add the tags and the words of published articles, and an index for lists by language.

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-27 20:50:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from blogapp.articles.neighbours import words_of
from blogapp.text.names import clean_name
from blogapp.text.slugs import tag_slug


# revision identifiers, used by Alembic.
revision: str = '0018'
down_revision: str | Sequence[str] | None = '0017'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

BATCH = 1_000


def upgrade() -> None:
    """Upgrade schema."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    article_tags = op.create_table('article_tags',
    sa.Column('article_id', row_id, nullable=False),
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_article_tags_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', 'slug', name=op.f('pk_article_tags')),
    )
    op.create_index(op.f('ix_article_tags_slug_published_at_article_id_name'), 'article_tags', ['slug', 'published_at', 'article_id', 'name'])
    op.create_index(op.f('ix_articles_status_lang_published_at_id'), 'articles', ['status', 'lang', 'published_at', 'id'])
    article_words = op.create_table('article_words',
    sa.Column('article_id', row_id, nullable=False),
    sa.Column('word', sa.String(length=40), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_article_words_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', 'word', name=op.f('pk_article_words')),
    )
    op.create_index(op.f('ix_article_words_word_published_at_article_id'), 'article_words', ['word', 'published_at', 'article_id'])
    articles = sa.table('articles', sa.column('id', row_id), sa.column('status', sa.String()), sa.column('tags', sa.JSON()), sa.column('title', sa.Text()), sa.column('excerpt', sa.Text()), sa.column('published_at', sa.DateTime(timezone=True)))
    query = sa.select(articles).where(articles.c.status == 'published').order_by(articles.c.published_at)
    rows, names, words = {}, {}, []
    for article in op.get_bind().execute(query):
        words += [{'article_id': article.id, 'word': word, 'published_at': article.published_at} for word in words_of(article)]
        for tag in article.tags:
            name = clean_name(str(tag))[:200]
            if slug := tag_slug(name):
                names[slug] = name
                rows[article.id, slug] = article.published_at
    found = [{'article_id': article_id, 'slug': slug, 'name': names[slug], 'published_at': published_at} for (article_id, slug), published_at in rows.items()]
    for start in range(0, len(found), BATCH):
        op.bulk_insert(article_tags, found[start:start + BATCH])
    for start in range(0, len(words), BATCH):
        op.bulk_insert(article_words, words[start:start + BATCH])


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_index(op.f('ix_articles_status_lang_published_at_id'), 'articles')
    op.drop_table('article_words')
    op.drop_table('article_tags')
