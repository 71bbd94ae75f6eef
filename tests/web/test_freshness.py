"""Pages are never outdated: four applications change and read one database in random order.

Each has its own connections, page cache and change marker, like four processes. A model records what readers may see.
"""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.clock import now
from blogapp.db.transactions import write_transaction
from tests.conftest import SECRET_KEY, Browser, dispose

PROCESSES = 4
# Seconds that a change may take to reach other processes. On SQLite they see it at once.
LONGEST_DELAY = {"sqlite": 0.0, "postgresql": 1.0}

PASSWORD = "a long pass phrase for tests"
numbers = itertools.count(1)
process = st.integers(0, PROCESSES - 1)
words = st.sampled_from(["amber", "birch", "cedar", "delta", "ember", "fjord"])


@dataclass
class Post:
    """A comment in the model: its current text, whether readers see it, and its likes."""

    number: int
    text: str
    cookie: str
    is_public: bool = True
    likes: int = 0
    revision: int = 0


@dataclass
class Model:
    """What readers may see: the article's text and its public comments, now and before each recent change."""

    body: str = "They sing."
    is_published: bool = True
    posts: dict[int, Post] = field(default_factory=dict)
    recent: list[tuple[float, Any]] = field(default_factory=list)

    def visible(self) -> Any:
        if not self.is_published:
            return None
        return self.body, tuple((post.text, post.likes) for post in self.posts.values() if post.is_public)


class Freshness(RuleBasedStateMachine):
    posts = Bundle("posts")

    def __init__(self, apps: list[Flask], owner_cookie: str, delay: float) -> None:
        super().__init__()
        self.apps, self.owner_cookie, self.delay = apps, owner_cookie, delay
        self.model = Model()
        self.etags: dict[str, bytes] = {}
        self.changed_by = 0

    @initialize()
    def publish_article(self) -> None:
        self.slug = f"birds-{next(numbers)}"
        self.model.is_published = False
        self.begin(0)
        self.write_article(0, self.model.body, draft=False)

    # Changes

    @rule(target=posts, app=process, word=words)
    def post(self, app: int, word: str) -> int:
        self.begin(app)
        text = f"{word} {next(numbers)}"
        client = self.apps[app].test_client()
        answer = client.post(f"/articles/{self.slug}/comments", data={"author_name": "Ada", "body": text})
        if not self.model.is_published:
            assert answer.status_code == 404
            return 0
        assert answer.status_code == 303
        number = int(answer.headers["Location"].rpartition("-")[2])
        cookie = client.get_cookie("visitor")
        assert cookie is not None
        self.model.posts[number] = Post(number, text, cookie.value)
        return number

    @rule(app=process, number=posts, word=words)
    def edit(self, app: int, number: int, word: str) -> None:
        if post := self.public_post(number):
            self.begin(app)
            text = f"{word} {next(numbers)}"
            form = {"body": text, "revision": str(post.revision)}
            assert self.author(app, post).post(f"/comments/{number}/edit", data=form).status_code == 303
            post.text, post.revision = text, post.revision + 1

    @rule(app=process, number=consumes(posts))
    def delete(self, app: int, number: int) -> None:
        if post := self.public_post(number):
            self.begin(app)
            assert self.author(app, post).post(f"/comments/{number}/delete").status_code == 303
            del self.model.posts[number]

    @rule(app=process, number=posts)
    def like(self, app: int, number: int) -> None:
        if post := self.public_post(number):
            self.begin(app)
            visitor = self.apps[app].test_client()
            visitor.environ_base["REMOTE_ADDR"] = f"10.{next(numbers) // 250}.{next(numbers) % 250}.1"
            assert visitor.post(f"/comments/{number}/likes", data={"liked": "1"}).status_code == 303
            post.likes += 1

    @rule(app=process, number=posts)
    def remove_or_restore(self, app: int, number: int) -> None:
        post = self.model.posts.get(number)
        if post and self.model.is_published:
            self.begin(app)
            act = "removal" if post.is_public else "restoration"
            owner = self.apps[app].test_client()
            owner.set_cookie("owner", self.owner_cookie)
            assert owner.post(f"/comments/{number}/{act}").status_code == 303
            post.is_public = not post.is_public

    @rule(app=process, word=words, draft=st.booleans())
    def import_article(self, app: int, word: str, draft: bool) -> None:
        self.begin(app)
        self.write_article(app, f"{word} {next(numbers)}", draft)

    # Reads

    @rule(app=process, coding=st.sampled_from(["br", ""]), address=st.sampled_from(["page", "list", "fragment"]))
    def read(self, app: int, coding: str, address: str) -> None:
        allowed = self.allowed(app)
        client = self.apps[app].test_client()
        path = {"page": f"/articles/{self.slug}", "list": "/", "fragment": f"/articles/{self.slug}/comments"}[address]
        headers = {"Accept-Encoding": coding} | ({"HX-Request": "true"} if address == "fragment" else {})
        answer = client.get(path, headers=headers)
        text = self.note(answer, coding)
        if address == "list":
            expected = {self.count(state) for state in allowed}
            assert self.count_on_list(text) in expected, (self.count_on_list(text), expected)
        elif answer.status_code == 404:
            assert None in allowed
        else:
            assert any(self.shows(text, state, with_body=address == "page") for state in allowed), (
                text.partition('id="comments"')[2][-6000:],
                allowed,
            )
        assert "Commenting as" not in text

    def note(self, answer: Any, coding: str) -> str:
        """Check that no ETag has two bodies; return the text of the response."""
        if etag := answer.headers.get("ETag"):
            assert self.etags.setdefault(etag, answer.data) == answer.data
        compressed = answer.headers.get("Content-Encoding") == "br"
        assert compressed <= (coding == "br")
        body: bytes = brotli.decompress(answer.data) if compressed else answer.data
        return body.decode()

    def shows(self, text: str, state: Any, with_body: bool) -> bool:
        if state is None:
            return False
        body, comments = state
        everything = {post.text for post in self.model.posts.values()} | self.texts_ever()
        shown = {each for each in everything if f"<p>{each}</p>" in text}
        likes = [int(count) for count in re.findall(r"Like the comment by Ada, (\d+) like", text)]
        return (
            shown == {each for each, _ in comments}
            and likes == [count for _, count in comments]
            and (not with_body or body in text)
        )

    def texts_ever(self) -> set[str]:
        return {each for _, state in self.model.recent if state for each, _ in state[1]}

    def count(self, state: Any) -> int | None:
        return None if state is None else len(state[1])

    def count_on_list(self, text: str) -> int | None:
        card = text.partition(f'/articles/{self.slug}"')[2].partition("</article>")[0]
        if not card:
            return None
        words = card.rpartition("<span>")[2]
        return int(words.split()[0])

    @invariant()
    def no_process_has_an_outdated_page(self) -> None:
        if self.model.recent:
            for app in range(PROCESSES):
                self.read(app, "br", "page")

    def teardown(self) -> None:
        """Check that every process serves the current state after the delay."""
        time.sleep(self.delay)
        for app, address in itertools.product(range(PROCESSES), ("page", "list", "fragment")):
            self.read(app, "br", address)

    # Helpers

    def begin(self, app: int) -> None:
        """Call this before a change: other processes may serve the present state for `delay` more seconds."""
        self.model.recent.append((time.monotonic(), self.model.visible()))
        self.changed_by = app

    def allowed(self, app: int) -> list[Any]:
        """What a reader may see at this moment."""
        present = self.model.visible()
        if app == self.changed_by or not self.delay:
            return [present]
        since = time.monotonic() - self.delay
        return [present, *(state for changed_at, state in self.model.recent if changed_at >= since)]

    def public_post(self, number: int) -> Post | None:
        """The comment with this number, if its author can change it and others can like it."""
        post = self.model.posts.get(number)
        return post if post and post.is_public and self.model.is_published else None

    def author(self, app: int, post: Post) -> Any:
        client = self.apps[app].test_client()
        client.set_cookie("visitor", post.cookie)
        return client

    def write_article(self, app: int, body: str, draft: bool) -> None:
        manuscript = Manuscript(self.slug, "en", f"Title {self.slug}", "", [], draft, None, body)
        with self.apps[app].app_context(), write_transaction() as session:
            publish(session, manuscript, now())
        self.model.body, self.model.is_published = body, not draft


@pytest.fixture
def apps(database_url: str, tmp_path: Path) -> Any:
    environ = {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url, "RATELIMIT_ENABLED": "off"}
    made = [create_app(environ, tmp_path / "instance") for _ in range(PROCESSES)]
    for app in made:
        app.test_client_class = Browser
    yield made
    for app in made:
        dispose(app)


@pytest.fixture
def owner_cookie(apps: list[Flask]) -> str:
    """The session cookie of the signed-in owner."""
    arguments = ["owner", "create", "--name", "Chloe", "--password", PASSWORD]
    assert apps[0].test_cli_runner().invoke(args=arguments).exit_code == 0
    client = apps[0].test_client()
    client.post("/owner/sign-in", data={"name": "Chloe", "password": PASSWORD})
    cookie = client.get_cookie("owner")
    assert cookie is not None
    return cookie.value


def test_no_reader_sees_an_outdated_page(apps: list[Flask], owner_cookie: str, database_url: str) -> None:
    delay = LONGEST_DELAY[database_url.partition(":")[0].partition("+")[0]]

    class Machine(Freshness):
        def __init__(self) -> None:
            super().__init__(apps, owner_cookie, delay)

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=2,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # shrinking a failing example would take minutes
        ),
    )
