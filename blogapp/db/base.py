"""The base class of all models, column types, and the connection to the database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, TypeDecorator, make_url
from sqlalchemy.orm import DeclarativeBase

from blogapp.db import sqlite
from blogapp.settings import LEAST_CONNECTIONS, SERVER_CONNECTIONS

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite generates ids only for a primary key that is declared INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


# Objects stay loaded after a commit: a handler reads an article, then changes it in another transaction.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:

    class Model(DeclarativeBase):
        """db.Model for the type checker."""

else:
    Model = db.Model


class Moment(TypeDecorator[datetime]):
    """A datetime in UTC. SQLite does not store the time zone, so it is added when a value is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Prepared statements that each SQLite connection keeps, about 7 kB each; a worker has eight connections. Of a mixture
# of all requests, three of four statements are found, and preparing one takes 30 µs. The default is 128.
SQLITE_STATEMENTS = 32
# A thread that waits longer for a connection answers 503.
POOL_SECONDS = 5


def init_app(app: Flask, url: str, workers: int = 2, prepares_statements: bool = True) -> None:
    """Connect `app` to the database at `url`. No connection is opened before the first query. `workers` processes
    share the connections that a small PostgreSQL server has, but each has LEAST_CONNECTIONS."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # Keep values out of error messages and logs.
    options: dict[str, Any] = {"pool_size": 8, "max_overflow": 8, "hide_parameters": True}
    # The connection that was used last: its prepared statements are ready, and idle ones keep none.
    options["pool_use_lifo"] = True
    if url.startswith("sqlite:"):
        options["connect_args"] = {"cached_statements": SQLITE_STATEMENTS}
    else:
        options["pool_size"], options["max_overflow"] = max(LEAST_CONNECTIONS, SERVER_CONNECTIONS // workers), 0
        options["pool_timeout"] = POOL_SECONDS
        # After a restart of PostgreSQL the pool has dead connections: test each one before use.
        options["pool_pre_ping"] = True
        # These take precedence over what the address says.
        options["connect_args"] = {} if "connect_timeout" in make_url(url).query else {"connect_timeout": 5}
        if not prepares_statements:
            options["connect_args"]["prepare_threshold"] = None
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sqlite.configure(db.engine)
            app.extensions["database_has_low_latency"] = lambda: True
        else:
            from blogapp.db import postgresql  # imports psycopg

            app.extensions["database_has_low_latency"] = postgresql.configure(db.engine)
