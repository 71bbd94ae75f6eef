"""What a server imports: each of these packages takes memory in every worker, or time at every start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import SECRET_KEY
from tests.harness.server import ROOT

# Only needed by commands, by migrations, on PostgreSQL, to check passkeys, to highlight code, or for pictures that are
# uploaded or drawn.
NOT_FOR_SERVING = (
    "blogapp.demo.content",
    "PIL",
    "pillow_heif",
    "alembic",
    "confusable_homoglyphs",
    "flask_alembic",
    "mako",
    "yaml",
    "tomllib",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
    "webauthn",
    "cryptography",
    "OpenSSL",
    "pygments",
)
SERVE = f"""
import sys
from pathlib import Path
import blogapp.web.server
from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.clock import now
from blogapp.db.transactions import write_transaction

for _ in range(2):  # with a new database, and with one that exists
    app = create_app({{"SECRET_KEY": "{SECRET_KEY}"}}, Path(sys.argv[1]))
with app.app_context(), write_transaction() as session:
    publish(session, Manuscript("birds", "fr", "Birds", "", [], False, now(), "They sing."), now())
client = app.test_client()
assert client.get("/").status_code == 200
assert client.get("/articles/birds").status_code == 200
assert client.get("/icon.svg").status_code == 200
assert client.get("/readyz").status_code == 200
assert client.get("/owner/sign-in").status_code == 200
assert client.post("/owner/sign-in", data={{"passkey": '{{"id": "eA"}}'}}).status_code == 422
comment = {{"author_name": "Ada", "author_email": "ada@example.org", "body": "Hello"}}
assert client.post("/articles/birds/comments", data=comment, headers={{"HX-Request": "true"}}).status_code == 201
assert client.post("/articles/birds/views", headers={{"User-Agent": "Mozilla/5.0"}}).status_code == 204
print(*sys.modules)
"""


def test_serving_imports_nothing_that_only_commands_need(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.split()
    assert "blogapp.comments.posting" in modules
    assert not [name for name in modules if name.startswith(NOT_FOR_SERVING)]


LOAD = """
from blogapp.text import i18n
from blogapp.view_counts.crawlers import crawler_patterns
from blogapp.web import server

front = server.load("tests.harness.wsgi:app")
app = server.application("tests.harness.wsgi:app")
assert app.extensions["query_cache"]._results, "no page was rendered"
with app.test_request_context("/"):
    before = i18n.catalogue.cache_info().misses, i18n.number_in.cache_info().misses, len(app.jinja_env.cache)
    assert "show.html" in " ".join(name for _, name in app.jinja_env.cache.keys())
    app.jinja_env.get_template("articles/show.html")
    i18n.gettext("Reply"), i18n.number(0)
    assert before == (i18n.catalogue.cache_info().misses, i18n.number_in.cache_info().misses, len(app.jinja_env.cache))
assert crawler_patterns.cache_info().currsize == 1
"""


def test_what_workers_share_is_loaded_before_they_start(tmp_path: Path) -> None:
    environ = {**os.environ, "BLOGAPP_TEST_FOLDER": str(tmp_path), "SECRET_KEY": SECRET_KEY, "SITE_LOCALE": "fr"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
