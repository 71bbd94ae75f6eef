"""Hostile values in any part of a request cause no server error, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from werkzeug.test import TestResponse

from blogapp.articles.models import Article
from blogapp.owners.access import require_owner

Publish = Callable[..., Article]
Post = Callable[..., TestResponse]

# One value of each kind, percent-encoded as in a URL or a form body: surrogates cannot be encoded in UTF-8
# otherwise.
VALUES = (
    "",
    "a%00b",
    "%ED%A0%80",
    "%FF",
    "-1",
    "0",
    "1e3",
    "%D9%A1",  # an Arabic-Indic 1
    "9999999999999999-1",
    "1-9999999999999999",
    "1-9999999999999999-1",
    "liked-" + "9" * 16,
    str(2**31),
    str(2**63),
    "9" * 5_000,
    "%25%25_%5C%27",
    "%F0%9F%90%A6" * 2_000,
)
# The values that one of the two databases may refuse.
UNSTORABLE = ("a%00b", "%ED%A0%80", str(2**31), str(2**63), "9" * 5_000, "9999999999999999-1")
# The values that this database, or Python's parsing, may refuse: the owner sends them only where they may do harm.
REFUSED = {
    "sqlite": ("%ED%A0%80", str(2**63), "9" * 5_000, "9999999999999999-1"),
    "postgresql": ("a%00b", "%ED%A0%80", str(2**31), str(2**63)),
}
# The values that reach PostgreSQL: those and the cursors. How a value is parsed does not depend on the database, so
# the others are sent on SQLite only.
SENT_TO_POSTGRESQL = (*UNSTORABLE, "1-9999999999999999", "1-9999999999999999-1", "liked-" + "9" * 16, "%25%25_%5C%27")
# The names that each route reads; `test_every_argument_and_field_is_known` compares it with the code.
ARGUMENTS = {
    "articles.index": ("before", "lang"),
    "articles.archive": ("before", "year"),
    "articles.show": ("notice", "sort", "undo"),
    "tags.index": ("after",),
    "tags.show": ("before",),
    "comments.index": ("after", "at", "before", "notice", "since", "sort"),
    "comments.replies": ("after",),
    "comment_moderation.choose_ban": ("queue",),
    "owner_comments.index": ("before", "skipped", "undo"),
    "owner.new": ("next",),
    "owner_security.show": ("notice",),
    "owner_settings.edit": ("notice",),
    "owner_dashboard.show": ("notice",),
    "owner_setup.new": ("setup_code",),
    "owner_articles.index": ("before", "q", "state"),
    "owner_articles.edit": ("notice",),
    "owner_articles.new": ("kind",),
    "pictures.index": ("before", "notice"),
    "logo.edit": ("before", "notice"),
    "search.show": ("in", "page", "q"),
    "statistics.show": ("article", "period"),
    "privacy.show": ("lang",),
    "feeds.articles": ("lang",),
    "feeds.articles_json": ("lang",),
}
# The fields of the editor, whose names are in articles/editor_form.py.
# Its three routes read most of them in the same way, so each value is sent in each field of one of the routes, in turn.
EDITOR = (
    "action", "article", "author", "author_name", "base", "body", "comments", "continued", "cover", "cover_alt",
    "cover_pick",
    "editor", "kind", "lang", "menu", "other", "published_at", "redirect_to", "revision", "sequence", "slug", "summary",
    "tags", "title", "translation_of", "typed", "unlisted",
)  # fmt: skip
EDITED = ("owner_articles.create", "owner_articles.preview", "owner_articles.update")
# The fields that only one of them reads.
READ_BY_ONE = {"article": EDITED[1], **dict.fromkeys(("base", "other", "typed"), EDITED[2])}
FIELDS = {
    "comments.create": ("author_email", "author_name", "author_url", "body", "homepage", "parent_id"),
    "comments.preview": ("article", "author_name", "author_url", "body", "parent_id"),
    "comment_authors.update": ("body", "revision"),
    "comment_authors.like": ("liked",),
    "comment_moderation.approve": ("revision",),
    "comment_moderation.undo": ("batch", "queue"),
    "comment_moderation.lock": ("on",),
    "comment_moderation.pin": ("on",),
    "comment_moderation.ban": ("days",),
    "owner_comments.save_rules": ("terms",),
    "owner_comments.bulk": ("action", "seen"),
    "owner_comments.configure": ("article", "closed", "moderation"),
    "owner.create": ("name", "next", "passkey", "password"),
    "owner_setup.create": ("lang", "name", "password", "setup_code", "site_title", "time_zone"),
    "owner_recovery.create": ("name", "password", "reset_code"),
    "owner_passkeys.begin": ("passkey_name", "present_password"),
    "owner_passkeys.create": ("credential", "passkey_name"),
    "owner_security.update_password": ("password", "present_password"),
    "owner_settings.update": (
        "about",
        "close_days",
        "closed",
        "description",
        "footer_links",
        "lang",
        "look",
        "moderation",
        "site_title",
        "time_zone",
        "typography",
    ),
    "pictures.update": ("alt",),
    "logo.update": ("chosen",),
    **dict.fromkeys(EDITED, EDITOR),
    "privacy.object_to_counting": ("lang",),
    "view_counts.create": ("referrer",),
}
UNKNOWN = ("unknown",)
# A variable of a path: `<slug>`, `<id:comment_id>`, `<any(views, refusals):what>`.
VARIABLE = re.compile(r"<(?:id:|any\([^)]*\):)?(\w+)>")
COOKIES = ("visitor", "owner", "known-browser", "uncounted", "unknown")
HEADERS = (
    "Accept-Language", "HX-Request", "HX-History-Restore-Request", "If-None-Match", "If-Modified-Since", "Range",
    "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
)  # fmt: skip
HTMX = {"HX-Request": "true"}
FORM = "application/x-www-form-urlencoded"
PASSWORD = "correct horse battery"
numbers = count(1)


@pytest.fixture
def site(publish_article: Publish, app: Flask, client: FlaskClient, post: Post) -> FlaskClient:
    """An article with comments; the client is the author of comment 1."""
    publish_article(slug="birds")
    post("birds", body="Hello")
    post("birds", body="A reply", parent_id="1")
    return client


@pytest.fixture
def owner(site: FlaskClient, app: Flask, runner: FlaskCliRunner) -> FlaskClient:
    """The same site, for a client that is signed in as its owner."""
    runner.invoke(args=["owner", "create", "--name", "Marie", "--password", PASSWORD])
    client = app.test_client()
    assert client.post("/owner/sign-in", data={"name": "Marie", "password": PASSWORD}).status_code == 303
    return client


class Attack:
    """Sends every value in every place, alternately with and without HTMX, so that each value and each place is tested
    in both ways. A request without HTMX on SQLite is one with HTMX on PostgreSQL.

    A visitor sends them to the routes for visitors and to one for owners, because each answers a visitor in the same
    way without reading anything; `owner` sends them to the routes for owners, and to the others all of them at once."""

    def __init__(self, client: FlaskClient, database_url: str, is_owner: bool = False) -> None:
        self._client = client
        self._app = client.application
        self._is_owner = is_owner
        self._turn = count(database_url.startswith("postgresql"))

    def send(self, method: str, address: str, **options: Any) -> None:
        headers = HTMX if next(self._turn) % 2 else {}
        assert_no_error(self._client.open(address, method=method, headers=headers, **options), method, address[:80])

    def arguments(self, values: tuple[str, ...]) -> None:
        for address, endpoint, is_attacked in self.routes("GET"):
            names = ARGUMENTS.get(endpoint, UNKNOWN)
            one_by_one = len(names) > 1 and is_attacked  # otherwise the request with everything is the same
            for value in values:
                for name in names if one_by_one else ():
                    self.send("GET", f"{address}?{name}={value}")
                everything = "&".join(f"{name}={value}&{name}=1" for name in names)
                self.send("HEAD" if one_by_one else "GET", f"{address}?sort=liked&{everything}")
            next(self._turn)

    def paths(self, values: tuple[str, ...]) -> None:
        for value in filter(None, values):
            for method in ("GET", "POST"):
                for address, _, is_attacked in self.routes(method, value):
                    if is_attacked:
                        self.send(method, address)
            next(self._turn)

    def fields(self, values: tuple[str, ...]) -> None:
        for address, endpoint, is_attacked in self.routes("POST"):
            names = FIELDS.get(endpoint, UNKNOWN)
            for turn, value in enumerate(values):
                for place, name in enumerate(names if is_attacked else ()):
                    reader = READ_BY_ONE.get(name) or EDITED[(turn + place) % len(EDITED)]
                    if names is EDITOR and endpoint != reader:
                        continue
                    # With different titles, new articles need not look for a free address for long.
                    usual = {"author_name": "Ada", "body": "Hello", "article": "birds", "title": f"T{next(numbers)}"}
                    usual["time_zone"] = "UTC"  # an invalid one is searched for in the folder of the system
                    others = "".join(f"{key}={text}&" for key, text in usual.items() if key != name)
                    self.send("POST", address, data=f"{others}{name}={value}&{name}=1", content_type=FORM)
                if not is_attacked:
                    everything = "&".join(f"{name}={value}&{name}=1" for name in names)
                    self.send("POST", address, data=everything, content_type=FORM)
            next(self._turn)

    def routes(self, method: str, value: str = "") -> Iterator[tuple[str, str, bool]]:
        """The address, the endpoint and whether each value is sent in each place of it."""
        seen_by_visitor = 0
        for address, endpoint in addresses(self._app, method, value):
            is_attacked = is_for_owners(self._app, endpoint) == self._is_owner
            if not is_attacked and not self._is_owner:
                seen_by_visitor += 1
                is_attacked = seen_by_visitor == 1
            if is_attacked or self._is_owner:
                yield address, endpoint, is_attacked


@pytest.fixture
def values(database_url: str) -> tuple[str, ...]:
    return SENT_TO_POSTGRESQL if database_url.startswith("postgresql") else VALUES


@pytest.fixture
def attack(site: FlaskClient, database_url: str) -> Attack:
    return Attack(site, database_url)


def is_for_owners(app: Flask, endpoint: str) -> bool:
    """Whether `for_owners` or `owner_required` guards this route."""
    of_blueprint = app.before_request_funcs.get(endpoint.rpartition(".")[0], [])
    return require_owner in of_blueprint or hasattr(app.view_functions[endpoint], "__wrapped__")


def assert_no_error(answer: TestResponse, *what: object) -> None:
    assert answer.status_code < 500, what
    answer.close()


def addresses(app: Flask, method: str, value: str = "") -> Iterator[tuple[str, str]]:
    """The address and the endpoint of every route that accepts `method`. The variables of the path are `value`, or by
    default those of the article and of comment 1. Routes that delete or sign out come last."""
    ends = ("/removal", "/erasure", "/delete", "/revocation", "/sign-out")
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or set())]
    usual = {"article_id": "1", "name": "x", "revision_id": "1", "secret": "x", "slug": "birds", "what": "views"}
    usual |= dict.fromkeys(("comment_id", "session_id", "passkey_id", "picture_id", "ban_id", "owner_id", "part"), "1")
    for rule in sorted(rules, key=lambda rule: [rule.rule.endswith(end) for end in reversed(ends)]):
        if rule.arguments or not value:
            yield (
                re.sub(r"<(?:id:|any\([^)]*\):)?(\w+)>", lambda match: value or usual[match[1]], rule.rule),
                rule.endpoint,
            )


def test_every_argument_and_field_is_known() -> None:
    sources = "".join(path.read_text() for path in Path("blogapp").rglob("*.py"))
    arguments = set(re.findall(r"request\.args(?:\.get\(|\[)\"(\w+)\"", sources))
    fields = set(re.findall(r"request\.form(?:\.get\(|\[)\"(\w+)\"", sources))
    fields |= set(re.findall(r"^    (\w+) = (?:String|TextArea|Select|Password)Field\(", sources, re.MULTILINE))
    assert {name for names in ARGUMENTS.values() for name in names} == arguments
    editor = set(re.findall(r"^        \"(\w+)\": ", Path("blogapp/articles/editor_form.py").read_text(), re.MULTILINE))
    assert "published_at" in editor
    assert editor <= set(EDITOR)
    assert {name for names in FIELDS.values() for name in names} == fields | set(EDITOR)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_route_for_owners_leads_visitors_to_the_sign_in(app: Flask, site: FlaskClient) -> None:
    """The tests of visitors rely on it."""
    for method in ("GET", "POST"):
        for address, endpoint in addresses(app, method):
            answer = site.open(address, method=method)
            leads = answer.status_code == 401 or "/owner/sign-in?next=" in answer.headers.get("Location", "")
            assert leads == is_for_owners(app, endpoint), (method, endpoint)
            answer.close()


def test_no_query_argument_causes_a_server_error(attack: Attack, values: tuple[str, ...]) -> None:
    attack.arguments(values)


@pytest.mark.parametrize("sort", ["liked", "newest"])
def test_no_cursor_causes_a_server_error(attack: Attack, sort: str) -> None:
    for name in ("before", "after", "at"):
        for value in VALUES:
            attack.send("GET", f"/articles/birds/comments?sort={sort}&{name}={value}")


def test_no_path_causes_a_server_error(attack: Attack, values: tuple[str, ...]) -> None:
    attack.paths(values)


def test_no_form_field_causes_a_server_error(attack: Attack, values: tuple[str, ...]) -> None:
    attack.fields(values)


def test_no_request_of_the_owner_causes_a_server_error(owner: FlaskClient, database_url: str) -> None:
    attack = Attack(owner, database_url, is_owner=True)
    values = REFUSED[database_url.partition(":")[0]]
    attack.arguments(values)
    attack.paths(values)
    assert owner.get("/comments/1/removal").status_code == 200  # signed in as the owner
    attack.fields(values)


def test_no_header_or_cookie_causes_a_server_error(app: Flask, site: FlaskClient, values: tuple[str, ...]) -> None:
    short = [value for value in values if len(value) < 1_000]
    routes = Attack(site, "")
    for value in (*short, *(unquoted(value) for value in short if "%" in value)):
        headers = {**dict.fromkeys(HEADERS, value), "Cookie": "; ".join(f"{name}={value}" for name in COOKIES)}
        for method in ("GET", "POST"):
            for address, _, _ in routes.routes(method):
                assert_no_error(send(app, method, address, headers), address, headers)
        for name in ("Origin", "Referer"):
            assert_no_error(send(app, "POST", "/articles/birds/comments", {name: value}), name, value)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no query contains the host
def test_no_host_causes_a_server_error(app: Flask, site: FlaskClient) -> None:
    for value in VALUES:
        for host in (value, unquoted(value)):
            for address in ("/", "/articles/birds"):
                assert_no_error(send(app, "GET", address, {"Host": host}), host[:40])


def unquoted(value: str) -> str:
    """The bytes of a percent-encoded value as a server passes them on: one character for each byte, and no NUL."""
    return re.sub(r"%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), value).replace("\0", "")


def send(app: Flask, method: str, address: str, headers: dict[str, str]) -> TestResponse:
    environ: dict[str, Any] = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return app.test_client().open(address, method=method, environ_overrides=environ)
