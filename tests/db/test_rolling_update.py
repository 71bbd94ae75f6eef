"""While machines are updated one after another, the version before serves with the new schema: a migration only adds
what that version can ignore ("expand"), and removes what no version uses any more ("contract")."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect

from blogapp.db.base import db
from blogapp.db.migrate import alembic
from blogapp.db.schema import MIGRATIONS, REVISIONS
from tests.conftest import SECRET_KEY
from tests.faults.visitors import ask, post_comment
from tests.harness.databases import on_server, url_of
from tests.harness.server import ROOT, Server
from tests.owners.conftest import NAME, PASSWORD

# Earlier migrations were made before the rule.
SINCE = "0018"
# What a migration removes or changes although the rule forbids it, by its id: `{"0099": {"articles.old_column"}}`. The
# version before it must not use that any more: list here only what an earlier release has stopped using.
CONTRACTED: dict[str, set[str]] = {}

# Runs `flask` commands in one process, because importing the application takes longer than they do.
COMMANDS = """
import json, sys
from app import app
for command in json.loads(sys.argv[1]):
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 0, result.output
"""
ARTICLE = "---\ntitle: Birds\nslug: birds\nlang: en\ndate: 2026-01-02\ntags: [nature]\n---\nThey sing.\n"


def test_migrations_only_add_what_the_version_before_can_ignore(app: Flask) -> None:
    first = REVISIONS.index(SINCE)
    with app.app_context():
        alembic.downgrade(REVISIONS[first - 1])
        after = parts_of_schema()
        for revision in REVISIONS[first:]:
            before = after
            alembic.upgrade(revision)
            after = parts_of_schema()
            assert broken_parts(before, after) - CONTRACTED.get(revision, set()) == set(), revision


def broken_parts(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """What the version that knows the schema `before` cannot use, or cannot ignore."""
    old_tables = {name.partition(".")[0] for name in before}
    broken = {name for name, part in before.items() if not can_replace(part, after.get(name))}
    for name in after.keys() - before.keys():
        part = after[name]
        if name.partition(".")[0] in old_tables and (part == "constraint" or part.get("needs_value")):
            broken.add(name)
    return broken


def parts_of_schema() -> dict[str, Any]:
    """The columns and constraints of all tables, named `table.column` and `table.constraint(columns)`."""
    found: dict[str, Any] = {}
    inspector = inspect(db.engine)
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            needs_value = not column["nullable"] and column["default"] is None
            found[f"{table}.{column['name']}"] = {"type": str(column["type"]), "needs_value": needs_value}
        lists: list[Sequence[str | None]] = [
            each["column_names"] for each in inspector.get_indexes(table) if each["unique"]
        ]
        lists += [each["column_names"] for each in inspector.get_unique_constraints(table)]
        lists += [each["constrained_columns"] for each in inspector.get_foreign_keys(table)]
        for columns in lists:
            found[f"{table}.({', '.join(map(str, columns))})"] = "constraint"
        for check in inspector.get_check_constraints(table):
            found[f"{table}.({check['sqltext']})"] = "constraint"
    return found


def can_replace(old: Any, new: Any) -> bool:
    if old == "constraint":
        return True  # one that is gone, or wider, refuses nothing
    return new is not None and new["type"] == old["type"] and (old["needs_value"] or not new["needs_value"])


@pytest.fixture(scope="module")
def version_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code before the newest migration was added, from the history of git."""
    newest = next(MIGRATIONS.glob(f"{REVISIONS[-1]}_*")).relative_to(ROOT)
    if git("rev-parse", "--show-toplevel").decode().strip() != str(ROOT.resolve()):
        pytest.skip("this is no clone: the version before is in the history of git")
    added = git(
        "log", "--first-parent", "-m", "--no-renames", "--diff-filter=A", "-1", "--format=%H", "--", str(newest)
    )
    commit = f"{added.decode().strip()}^" if added.strip() else "HEAD"
    archive = git("archive", "--format=tar", commit, "app.py", "blogapp", "templates", "static")
    if not archive:
        pytest.skip("this clone has no history from before the newest migration (git fetch --unshallow gets it)")
    folder = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    copy_bytecode(folder)
    assert not (folder / newest).exists()
    return folder


def copy_bytecode(folder: Path) -> None:
    """Copy the bytecode of the modules that are the same now: compiling all takes seconds."""
    for module in folder.rglob("*.py"):
        present = ROOT / module.relative_to(folder)
        compiled = Path(cache_from_source(present))
        if present.exists() and compiled.exists() and present.read_bytes() == module.read_bytes():
            shutil.copystat(present, module)  # it is valid for this time only
            copy = Path(cache_from_source(module))
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(compiled, copy)


def git(*arguments: str) -> bytes:
    """What git prints; nothing if it fails, or is not installed."""
    try:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=60, check=False).stdout
    except OSError:
        return b""


@pytest.fixture(params=["sqlite", "postgresql"])
def environ(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> Iterator[dict[str, str]]:
    """The settings of a blog with an empty database."""
    settings = {"SECRET_KEY": SECRET_KEY, "DATA_DIR": str(tmp_path / "data")}
    if request.param == "sqlite":
        yield settings
    else:
        name = f"updated_{worker_id}"
        on_server(f"CREATE DATABASE {name}")
        yield {**settings, "DATABASE_URL": url_of(name)}
        on_server(f"DROP DATABASE {name} WITH (FORCE)")


def test_version_before_serves_with_the_new_schema(
    version_before: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    def serve(name: str, code: Path) -> Server:
        return Server(tmp_path / name, workers=1, app="app:app", module="blogapp.pages.serve", code=code, **environ)

    (tmp_path / "birds.md").write_text(ARTICLE)
    commands = [
        ["db", "upgrade"],
        ["owner", "create", "--name", NAME, "--password", PASSWORD],
        ["articles", "import", str(tmp_path / "birds.md")],
    ]
    subprocess.run(
        [sys.executable, "-c", COMMANDS, json.dumps(commands)],
        cwd=version_before,
        env={**os.environ, **environ, "PYTHONDONTWRITEBYTECODE": ""},
        check=True,
        timeout=120,
    )
    with ExitStack() as stack:
        before = serve("before", version_before)
        stack.callback(before.stop)
        assert post_comment(before.port, "Before the update").status == 303
        after = serve("after", ROOT)  # upgrades the schema
        stack.callback(after.stop)
        check_everything(before, "Written with the version before")
        check_everything(after, "Written with the new version")
        for server in (before, after):
            page = ask(server.port, "GET", "/articles/birds?sort=newest").text
            assert page.count("<p>Before the update</p>") == 1
            assert page.count("<p>Written with the") == 2
    assert "Traceback" not in before.log() + after.log()


def check_everything(server: Server, words: str) -> None:
    """Read, comment, like, count a view, search, sign in, and write an article."""
    for path in ("/", "/articles/birds?sort=newest", "/feed.xml", "/tags/nature", "/search?q=sing"):
        assert ask(server.port, "GET", path).status == 200, path
    posted = post_comment(server.port, words)
    assert posted.status == 303
    number = posted.fields["location"].rpartition("-")[2]
    reader = {"User_Agent": f"Mozilla/5.0 (X11; Linux x86_64; {server.port}) Gecko/20100101 Firefox/145.0"}
    assert ask(server.port, "POST", f"/comments/{number}/likes", {"liked": "1"}, **reader).status == 303
    counted = ask(server.port, "POST", "/articles/birds/views", {"referrer": ""}, HX_Request="true", **reader)
    assert 'data-count="' in counted.text
    signed_in = ask(server.port, "POST", "/owner/sign-in", {"name": NAME, "password": PASSWORD}, **reader)
    assert signed_in.status == 303
    cookie = {"Cookie": signed_in.fields["set-cookie"].partition(";")[0], **reader}
    article = {"title": words, "body": words, "lang": "en", "action": "publish"}
    written = ask(server.port, "POST", "/owner/articles/new", article, **cookie)
    assert written.status == 303, written.text
    assert words in ask(server.port, "GET", "/").text
