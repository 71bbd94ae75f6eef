"""Create articles, comments, conversations, views and visitor keys.

Revision ID: 0001
Revises: 
Create Date: 2026-11-23 07:56:45.682763

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0001'
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = ('default',)
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('articles',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('lang', sa.String(length=8), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('excerpt', sa.Text(), nullable=False),
    sa.Column('tags', sa.JSON(), nullable=False),
    sa.Column('draft', sa.Boolean(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('body_source', sa.Text(), nullable=False),
    sa.Column('body_html', sa.Text(), nullable=False),
    sa.Column('renderer_version', sa.SmallInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_articles')),
    sa.UniqueConstraint('slug', name=op.f('uq_articles_slug'))
    )
    with op.batch_alter_table('articles', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_articles_published_at_id'), ['published_at', 'id'], unique=False)

    op.create_table('visitor_keys',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('key', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_visitor_keys'))
    )
    op.create_table('comments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('parent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('root_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('shown_under_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('depth', sa.Integer(), nullable=False),
    sa.Column('path', sa.String(length=35), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('shown', sa.Boolean(), nullable=False),
    sa.Column('published_in', sa.BigInteger(), nullable=False),
    sa.Column('changed_in', sa.BigInteger(), nullable=False),
    sa.Column('reply_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('fold_path', sa.String(length=35), nullable=True),
    sa.Column('author_name', sa.String(length=100), nullable=False),
    sa.Column('author_url', sa.String(length=500), nullable=False),
    sa.Column('author_token_hash', sa.LargeBinary(), nullable=True),
    sa.Column('body_source', sa.Text(), nullable=False),
    sa.Column('body_html', sa.Text(), nullable=False),
    sa.Column('renderer_version', sa.SmallInteger(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=True),
    sa.Column('body_digest', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_comments_article_id_articles'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['parent_id'], ['comments.id'], name=op.f('fk_comments_parent_id_comments')),
    sa.ForeignKeyConstraint(['root_id'], ['comments.id'], name=op.f('fk_comments_root_id_comments')),
    sa.ForeignKeyConstraint(['shown_under_id'], ['comments.id'], name=op.f('fk_comments_shown_under_id_comments')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_comments')),
    sa.UniqueConstraint('article_id', 'number', name=op.f('uq_comments_article_id_number')),
    sa.UniqueConstraint('digest', name=op.f('uq_comments_digest'))
    )
    with op.batch_alter_table('comments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_comments_article_id_author_token_hash'), ['article_id', 'author_token_hash'], unique=False)
        batch_op.create_index(batch_op.f('ix_comments_article_id_body_digest'), ['article_id', 'body_digest'], unique=False)
        batch_op.create_index(batch_op.f('ix_comments_article_id_changed_in'), ['article_id', 'changed_in'], unique=False)
        batch_op.create_index(batch_op.f('ix_comments_article_id_root_id_shown_number'), ['article_id', 'root_id', 'shown', 'number'], unique=False)
        batch_op.create_index(batch_op.f('ix_comments_parent_id'), ['parent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_comments_root_id_shown_path'), ['root_id', 'shown', 'path'], unique=False)
        batch_op.create_index(batch_op.f('ix_comments_status_id'), ['status', 'id'], unique=False)

    op.create_table('conversations',
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('last_number', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.Column('comment_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_conversations_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', name=op.f('pk_conversations'))
    )
    op.create_table('daily_views',
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('views', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_daily_views_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', 'day', name=op.f('pk_daily_views'))
    )
    op.create_table('view_counts',
    sa.Column('article_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('before', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('counted', sa.BigInteger(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_view_counts_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('article_id', name=op.f('pk_view_counts'))
    )


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('view_counts')
    op.drop_table('daily_views')
    op.drop_table('conversations')
    with op.batch_alter_table('comments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_comments_status_id'))
        batch_op.drop_index(batch_op.f('ix_comments_root_id_shown_path'))
        batch_op.drop_index(batch_op.f('ix_comments_parent_id'))
        batch_op.drop_index(batch_op.f('ix_comments_article_id_root_id_shown_number'))
        batch_op.drop_index(batch_op.f('ix_comments_article_id_changed_in'))
        batch_op.drop_index(batch_op.f('ix_comments_article_id_body_digest'))
        batch_op.drop_index(batch_op.f('ix_comments_article_id_author_token_hash'))

    op.drop_table('comments')
    op.drop_table('visitor_keys')
    with op.batch_alter_table('articles', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_articles_published_at_id'))

    op.drop_table('articles')
