"""Add what owners need to moderate comments in the browser.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-27 17:45:00.000000

"""
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0010'
down_revision: str | Sequence[str] | None = '0009'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None


ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
HREF = re.compile(r'href="(https?://[^"]+)"', re.IGNORECASE)


def upgrade() -> None:
    """Upgrade schema."""
    # Plain ALTER TABLE on both databases: rebuilding a table on SQLite would delete the rows that refer to it.
    op.add_column('comments', sa.Column('link_hosts', sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column('comments', sa.Column('network_mark', sa.LargeBinary(), nullable=True))
    op.create_index(op.f('ix_comments_network_mark_id'), 'comments', ['network_mark', 'id'], unique=False)
    op.create_index(op.f('ix_comments_article_id_status_id'), 'comments', ['article_id', 'status', 'id'], unique=False)
    op.add_column('comments', sa.Column('reasons', sa.JSON(none_as_null=True), nullable=True))
    op.add_column('comments', sa.Column('learned_as', sa.String(length=8), server_default=sa.text("''"), nullable=False))
    op.create_index(op.f('ix_comments_body_digest_id'), 'comments', ['body_digest', 'id'], unique=False)
    op.drop_index(op.f('ix_comments_article_id_body_digest'), 'comments')
    op.create_table('spam_terms',
    sa.Column('term', sa.String(length=200), nullable=False),
    sa.PrimaryKeyConstraint('term', name=op.f('pk_spam_terms'))
    )
    op.create_table('spam_words',
    sa.Column('word', sa.String(length=40), nullable=False),
    sa.Column('spam', sa.Integer(), nullable=False),
    sa.Column('honest', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('word', name=op.f('pk_spam_words'))
    )
    op.create_table('bans',
    sa.Column('id', ROW_ID, nullable=False),
    sa.Column('mark', sa.LargeBinary(), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('owner_id', ROW_ID, nullable=True),
    sa.Column('comment_id', ROW_ID, nullable=True),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], name=op.f('fk_bans_owner_id_owners'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['comment_id'], ['comments.id'], name=op.f('fk_bans_comment_id_comments'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bans')),
    sa.UniqueConstraint('mark', name=op.f('uq_bans_mark'))
    )
    op.add_column('comments', sa.Column('is_locked', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('conversations', sa.Column('moderation', sa.String(length=8), nullable=True))
    op.add_column('conversations', sa.Column('is_closed', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('conversations', sa.Column('pinned_id', ROW_ID, nullable=True))
    _add_link_hosts()
    op.add_column('comment_decisions', sa.Column('batch', sa.BigInteger(), nullable=True))
    op.create_index(op.f('ix_comment_decisions_batch_comment_id'), 'comment_decisions', ['batch', 'comment_id'], unique=False)


def _add_link_hosts() -> None:
    """Store the hosts of the links in existing comments, with the domains that they belong to."""
    comments = sa.table('comments', sa.column('id'), sa.column('author_url'), sa.column('body_html'), sa.column('link_hosts'))
    connection = op.get_bind()
    linking = sa.select(comments.c.id, comments.c.author_url, comments.c.body_html).where(
        sa.or_(comments.c.author_url != '', comments.c.body_html.contains('href="http'))
    )
    for comment_id, author_url, body_html in connection.execute(linking).all():
        hosts = set(filter(None, map(_host, [*HREF.findall(body_html), author_url])))
        names = {'.'.join(labels[start:]) for host in hosts if (labels := host.split('.')) for start in range(len(labels))}
        kept = sorted(name for name in names if '.' in name or name in hosts)
        if kept:
            connection.execute(sa.update(comments).where(comments.c.id == comment_id).values(link_hosts=f" {' '.join(kept)} "))


def _host(address: str) -> str:
    try:
        host = (urlsplit(address).hostname or '').strip('.')
        return host.encode('idna').decode('ascii') if not host.isascii() else host
    except ValueError:
        return ''


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_table('bans')
    op.drop_table('spam_words')
    op.drop_table('spam_terms')
    op.create_index(op.f('ix_comments_article_id_body_digest'), 'comments', ['article_id', 'body_digest'], unique=False)
    op.drop_index(op.f('ix_comments_body_digest_id'), 'comments')
    op.drop_column('comments', 'learned_as')
    op.drop_column('comments', 'reasons')
    op.drop_column('conversations', 'pinned_id')
    op.drop_column('conversations', 'is_closed')
    op.drop_column('conversations', 'moderation')
    op.drop_column('comments', 'is_locked')
    op.drop_index(op.f('ix_comments_article_id_status_id'), 'comments')
    op.drop_index(op.f('ix_comments_network_mark_id'), 'comments')
    op.drop_column('comments', 'network_mark')
    op.drop_column('comments', 'link_hosts')
    op.drop_index(op.f('ix_comment_decisions_batch_comment_id'), 'comment_decisions')
    op.drop_column('comment_decisions', 'batch')
