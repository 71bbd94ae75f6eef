"""Add the search index.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-27 21:00:00.000000

"""
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


# revision identifiers, used by Alembic.
revision: str = '0016'
down_revision: str | Sequence[str] | None = '0015'
branch_labels: str | Sequence[str] | None = ()
depends_on: str | Sequence[str] | None = None


ROW_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
TERMS = sa.Text().with_variant(postgresql.TSVECTOR(), 'postgresql')
FTS = (
    "CREATE VIRTUAL TABLE fts_{table} USING fts5(terms, content='{table}', content_rowid='{key}', "
    "tokenize=\"ascii tokenchars '^~'\", detail='none', columnsize=0)",
    "CREATE TRIGGER {table}_after_insert AFTER INSERT ON {table} BEGIN "
    "INSERT INTO fts_{table}(rowid, terms) VALUES (new.{key}, new.terms); END",
    "CREATE TRIGGER {table}_after_delete AFTER DELETE ON {table} BEGIN "
    "INSERT INTO fts_{table}(fts_{table}, rowid, terms) VALUES ('delete', old.{key}, old.terms); END",
    "CREATE TRIGGER {table}_after_update AFTER UPDATE ON {table} BEGIN "
    "INSERT INTO fts_{table}(fts_{table}, rowid, terms) VALUES ('delete', old.{key}, old.terms); "
    "INSERT INTO fts_{table}(rowid, terms) VALUES (new.{key}, new.terms); END",
)


def upgrade() -> None:
    """Upgrade schema. `flask db upgrade` then fills the tables."""
    for of in ('article', 'comment'):
        table, key = f'search_{of}s', f'{of}_id'
        op.create_table(table,
        sa.Column(key, ROW_ID, autoincrement=False, nullable=False),
        sa.Column('version', sa.SmallInteger(), nullable=False),
        sa.Column('terms', TERMS, nullable=False),
        sa.Column('words', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint([key], [f'{of}s.id'], name=op.f(f'fk_{table}_{key}_{of}s'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint(key, name=op.f(f'pk_{table}'))
        )
        if op.get_bind().dialect.name == 'sqlite':
            for statement in FTS:
                op.execute(statement.format(table=table, key=key))
        else:
            op.create_index(op.f(f'ix_{table}_terms'), table, ['terms'], unique=False, postgresql_using='gin', postgresql_with={'fastupdate': 'off'})


def downgrade() -> None:
    """Downgrade schema."""
    for of in ('comment', 'article'):
        if op.get_bind().dialect.name == 'sqlite':
            op.execute(f'DROP TABLE fts_search_{of}s')
        op.drop_table(f'search_{of}s')
