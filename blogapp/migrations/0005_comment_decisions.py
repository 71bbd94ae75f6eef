"""Add comment decisions, owners' edits and indexes for repeated posts.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25 04:40:00.000000

"""
import hashlib
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0005'
down_revision: str | Sequence[str] | None = '0004'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    """Upgrade schema."""
    op.create_table('comment_decisions',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('comment_id', ROW_ID, nullable=False),
    sa.Column('act', sa.String(length=16), nullable=False),
    sa.Column('actor', sa.String(length=16), nullable=False),
    sa.Column('owner_id', ROW_ID, nullable=True),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('status_before', sa.String(length=16), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['comment_id'], ['comments.id'], name=op.f('fk_comment_decisions_comment_id_comments'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_comment_decisions_owner_id_owners'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_comment_decisions'))
    )
    op.create_index(op.f('ix_comment_decisions_comment_id_id'), 'comment_decisions', ['comment_id', 'id'], unique=False)
    # Plain ALTER TABLE on both databases: rebuilding a table on SQLite would delete the rows that refer to it.
    op.add_column('comments', sa.Column('edited_by', sa.String(length=60), server_default=sa.text("''"), nullable=False))
    op.add_column('comment_revisions', sa.Column('replaced_by', sa.String(length=60), server_default=sa.text("''"), nullable=False))
    op.create_index(op.f('ix_comments_author_token_hash_article_id_body_digest'), 'comments', ['author_token_hash', 'article_id', 'body_digest'], unique=False)
    op.create_index(op.f('ix_comments_author_token_hash_status_id'), 'comments', ['author_token_hash', 'status', 'id'], unique=False)
    op.drop_index(op.f('ix_comments_article_id_author_token_hash'), 'comments')
    # Before this revision, deletions by the author and by the owner had the same status, so it is not known who deleted
    # these.
    op.execute("UPDATE comments SET status = 'erased' WHERE status = 'withdrawn'")
    op.execute("UPDATE comments SET digest = NULL WHERE revision > 0 OR status IN ('removed', 'erased')")
    _renew_body_digests()


def _renew_body_digests() -> None:
    """Update the digests of edited comments: before this revision, an edit did not change them."""
    comments = sa.table('comments', sa.column('id'), sa.column('revision'), sa.column('status'), sa.column('body_source'), sa.column('body_digest'))
    connection = op.get_bind()
    edited = sa.select(comments.c.id, comments.c.body_source).where(comments.c.revision > 0, comments.c.status != 'erased')
    for comment_id, body in connection.execute(edited).all():
        digest = hashlib.sha256(' '.join(body.casefold().split()).encode()).digest()
        connection.execute(sa.update(comments).where(comments.c.id == comment_id).values(body_digest=digest))


def downgrade() -> None:
    """Downgrade schema."""
    op.execute("UPDATE comments SET status = 'withdrawn' WHERE status IN ('deleted', 'erased')")
    op.create_index(op.f('ix_comments_article_id_author_token_hash'), 'comments', ['article_id', 'author_token_hash'], unique=False)
    op.drop_index(op.f('ix_comments_author_token_hash_status_id'), 'comments')
    op.drop_index(op.f('ix_comments_author_token_hash_article_id_body_digest'), 'comments')
    op.drop_column('comment_revisions', 'replaced_by')
    op.drop_column('comments', 'edited_by')
    op.drop_index(op.f('ix_comment_decisions_comment_id_id'), 'comment_decisions')
    op.drop_table('comment_decisions')
