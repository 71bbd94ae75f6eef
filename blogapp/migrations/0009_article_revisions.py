"""Add the states, editing and revisions of articles.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-27 17:50:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0009'
down_revision: str | Sequence[str] | None = '0008'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
MOMENT = sa.DateTime(timezone=True)
INDEXES = (['status', 'published_at', 'id'], ['status', 'edited_at', 'id'], ['edited_at', 'id', 'status'], ['owner_id'])


def upgrade() -> None:
    """Upgrade schema."""
    with op.batch_alter_table('articles') as batch_op:
        batch_op.add_column(sa.Column('status', sa.String(length=16), nullable=False, server_default='draft'))
        batch_op.add_column(sa.Column('owner_id', ROW_ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_articles_owner_id_owners'), 'owners', ['owner_id'], ['id'], ondelete='SET NULL')
        batch_op.add_column(sa.Column('edited_at', MOMENT, nullable=True))
        batch_op.add_column(sa.Column('edit_version', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('edited_in', sa.String(length=43), nullable=True))
        batch_op.add_column(sa.Column('created_in', sa.String(length=43), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_articles_created_in'), ['created_in'])
        batch_op.add_column(sa.Column('preview_secret', sa.String(length=43), nullable=True))
        batch_op.create_unique_constraint(batch_op.f('uq_articles_preview_secret'), ['preview_secret'])
        batch_op.add_column(sa.Column('redirect_to', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('deleted_at', MOMENT, nullable=True))
        batch_op.add_column(sa.Column('status_before', sa.String(length=16), nullable=True))
    op.execute("UPDATE articles SET status = CASE WHEN draft THEN 'draft' ELSE 'published' END, edited_at = coalesce(updated_at, created_at, published_at)")
    with op.batch_alter_table('articles') as batch_op:
        batch_op.alter_column('status', existing_type=sa.String(length=16), existing_nullable=False, server_default=None)
        batch_op.alter_column('edited_at', existing_type=MOMENT, nullable=False)
        batch_op.drop_column('draft')
        for columns in INDEXES:
            batch_op.create_index(batch_op.f(f"ix_articles_{'_'.join(columns)}"), columns)
    op.create_table('article_revisions',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('article_id', ROW_ID, nullable=False),
    sa.Column('owner_id', ROW_ID, nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('started_at', MOMENT, nullable=False),
    sa.Column('saved_at', MOMENT, nullable=False),
    sa.Column('saved_in', sa.String(length=43), nullable=True),
    sa.Column('is_applied', sa.Boolean(), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('body_source', sa.Text(), nullable=False),
    sa.Column('slug', sa.String(length=200), nullable=False),
    sa.Column('lang', sa.String(length=8), nullable=False),
    sa.Column('summary', sa.Text(), nullable=False),
    sa.Column('tags', sa.JSON(), nullable=False),
    sa.Column('published_at', MOMENT, nullable=True),
    sa.Column('is_unlisted', sa.Boolean(), nullable=False),
    sa.Column('author_id', ROW_ID, nullable=True),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_article_revisions_article_id_articles'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_article_revisions_owner_id_owners'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['author_id'], ['owners.id'], name=op.f('fk_article_revisions_author_id_owners'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_revisions'))
    )
    op.create_index(op.f('ix_article_revisions_article_id_id'), 'article_revisions', ['article_id', 'id'])
    op.create_index(op.f('ix_article_revisions_owner_id'), 'article_revisions', ['owner_id'])
    op.create_index(op.f('ix_article_revisions_author_id'), 'article_revisions', ['author_id'])


def downgrade() -> None:
    """Downgrade schema. Articles in the bin and unpublished ones become drafts; unlisted ones too, because an older
    version would list them."""
    op.drop_table('article_revisions')
    with op.batch_alter_table('articles') as batch_op:
        batch_op.add_column(sa.Column('draft', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(sa.text("UPDATE articles SET draft = :no WHERE status = 'published'").bindparams(sa.bindparam('no', False, sa.Boolean())))
    with op.batch_alter_table('articles') as batch_op:
        batch_op.alter_column('draft', existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        for columns in INDEXES:
            batch_op.drop_index(batch_op.f(f"ix_articles_{'_'.join(columns)}"))
        batch_op.drop_constraint(batch_op.f('uq_articles_preview_secret'), type_='unique')
        batch_op.drop_constraint(batch_op.f('uq_articles_created_in'), type_='unique')
        batch_op.drop_constraint(batch_op.f('fk_articles_owner_id_owners'), type_='foreignkey')
        for name in ('status_before', 'deleted_at', 'redirect_to', 'preview_secret', 'created_in', 'edited_in', 'edit_version', 'edited_at', 'owner_id', 'status'):
            batch_op.drop_column(name)
