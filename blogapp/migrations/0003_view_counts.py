"""Add view marks, refusals, referrals and yearly totals of views.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-23 11:40:12.113871

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


# revision identifiers, used by Alembic.
revision: str = '0003'
down_revision: str | Sequence[str] | None = '0002'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    """Upgrade schema."""
    # Order the table of daily views by day, because queries read a range of days of all articles.
    op.rename_table('daily_views', 'daily_views_by_article')
    _create_daily_views(('day', 'article_id'), 'by_day')
    op.execute('INSERT INTO daily_views (day, article_id, views) SELECT day, article_id, views FROM daily_views_by_article')
    op.drop_table('daily_views_by_article')
    _rename_constraints('by_day')

    op.create_table('yearly_views',
    sa.Column('year', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('article_id', ROW_ID, nullable=False),
    sa.Column('views', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_yearly_views_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('year', 'article_id', name=op.f('pk_yearly_views')),
    sqlite_with_rowid=False,
    )
    op.create_table('daily_refusals',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=False),
    sa.Column('views', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('day', 'reason', name=op.f('pk_daily_refusals')),
    sqlite_with_rowid=False,
    )
    op.create_table('yearly_refusals',
    sa.Column('year', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('reason', sa.String(length=16), nullable=False),
    sa.Column('views', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('year', 'reason', name=op.f('pk_yearly_refusals')),
    sqlite_with_rowid=False,
    )
    op.create_table('daily_referrals',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('host', sa.String(length=253), nullable=False),
    sa.Column('article_id', ROW_ID, nullable=False),
    sa.Column('views', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f('fk_daily_referrals_article_id_articles'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('day', 'host', 'article_id', name=op.f('pk_daily_referrals')),
    sqlite_with_rowid=False,
    )
    op.create_table('view_marks',
    sa.Column('visitor', sa.LargeBinary(length=16), nullable=False),
    sa.Column('article_id', ROW_ID, autoincrement=False, nullable=False),
    sa.PrimaryKeyConstraint('visitor', 'article_id', name=op.f('pk_view_marks')),
    sqlite_with_rowid=False,
    )
    op.create_table('network_hours',
    sa.Column('network', sa.LargeBinary(length=16), nullable=False),
    sa.Column('hour', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('visitors', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('network', 'hour', name=op.f('pk_network_hours')),
    sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Downgrade schema."""
    for table in ('network_hours', 'view_marks', 'daily_referrals', 'yearly_refusals', 'daily_refusals', 'yearly_views'):
        op.drop_table(table)
    op.rename_table('daily_views', 'daily_views_by_day')
    _create_daily_views(('article_id', 'day'), 'by_article')
    op.execute('INSERT INTO daily_views (day, article_id, views) SELECT day, article_id, views FROM daily_views_by_day')
    op.drop_table('daily_views_by_day')
    _rename_constraints('by_article')


def _create_daily_views(key: tuple[str, str], order: str) -> None:
    # PostgreSQL keeps the names of constraints when a table is renamed, and each name is unique in a schema.
    op.create_table('daily_views',
    *(sa.Column(name, sa.Date() if name == 'day' else ROW_ID, nullable=False) for name in key),
    sa.Column('views', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['article_id'], ['articles.id'], name=op.f(f'fk_daily_views_article_id_articles_{order}'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint(*key, name=op.f(f'pk_daily_views_{order}')),
    sqlite_with_rowid=key[0] != 'day',
    )


def _rename_constraints(order: str) -> None:
    # In SQLite the names of constraints are only text in the table's definition.
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(f'ALTER TABLE daily_views RENAME CONSTRAINT pk_daily_views_{order} TO pk_daily_views')
        op.execute(f'ALTER TABLE daily_views RENAME CONSTRAINT fk_daily_views_article_id_articles_{order} TO fk_daily_views_article_id_articles')
