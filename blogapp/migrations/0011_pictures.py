"""Add pictures.

Revision ID: 0011
Revises: 0009
Create Date: 2026-11-27 18:00:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0011'
down_revision: str | Sequence[str] | None = '0009'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Upgrade schema."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    op.create_table('pictures',
    sa.Column('id', row_id, nullable=False),
    sa.Column('hash', sa.String(length=32), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('alt', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pictures')),
    sa.UniqueConstraint('hash', name=op.f('uq_pictures_hash')),
    )
    op.create_index(op.f('ix_pictures_created_at'), 'pictures', ['created_at'])
    op.create_table('picture_files',
    sa.Column('picture_id', row_id, nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_picture_files_picture_id_pictures'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('picture_id', 'width', name=op.f('pk_picture_files')),
    )
    op.create_table('article_pictures',
    sa.Column('hash', sa.String(length=32), nullable=False),
    sa.Column('article_id', row_id, nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_article_pictures_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('hash', 'article_id', name=op.f('pk_article_pictures')),
    )
    op.create_index(op.f('ix_article_pictures_article_id'), 'article_pictures', ['article_id'])


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('article_pictures')
    op.drop_table('picture_files')
    op.drop_table('pictures')
