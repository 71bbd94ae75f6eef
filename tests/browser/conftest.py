"""A real Chromium against a real server. Unexpected console messages and requests to other hosts fail the test."""

from __future__ import annotations

import itertools
import os
import re
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from blogapp import create_app
from blogapp.articles.publishing import Manuscript, publish
from blogapp.db.transactions import write_transaction
from blogapp.view_counts.counting import start_count
from tests.conftest import SECRET_KEY, dispose
from tests.harness import browser as chromium
from tests.harness.server import Server

numbers = itertools.count(1)

# A normal browser's User-Agent: the server does not count headless browsers.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

# A generous upper bound: the machine may be slow.
expect.set_options(timeout=20_000)

# Seconds until a test has hung. Playwright's calls have a timeout, except those that wait for a script of the page, or
# until a page is closed.
LONGEST_TEST = 200


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": chromium.find() or pytest.fail(chromium.HOW), "args": chromium.arguments()}


@pytest.fixture(scope="session")
def browsers(launch_browser: Callable[[], Browser]) -> Iterator[list[Browser]]:
    """The browsers that were launched; only the last one may be running."""
    launched = [launch_browser()]
    yield launched
    launched[-1].close()


@pytest.fixture
def browser(browsers: list[Browser], launch_browser: Callable[[], Browser]) -> Browser:
    """The Chromium that the tests share, or another one if a test has ended it: the tests after it do not fail too."""
    if not browsers[-1].is_connected():
        browsers.append(launch_browser())
    return browsers[-1]


@pytest.fixture(autouse=True)
def end_hanging_test(browser: Browser) -> Iterator[None]:
    """Kill Chromium if the test hangs: the call that waits for it then ends, mostly with an error that shows where."""
    timer = Timer(LONGEST_TEST, os.kill, [main_process(browser), signal.SIGKILL])
    timer.daemon = True
    timer.start()
    yield
    hangs = timer.finished.is_set()
    timer.cancel()
    if hangs:
        pytest.fail(f"Chromium was killed because the test took more than {LONGEST_TEST} seconds")


@cache
def main_process(browser: Browser) -> int:
    """The process id of Chromium's main process."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return next(int(process["id"]) for process in processes if process["type"] == "browser")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def blog(server: Server) -> Iterator[Flask]:
    """The same blog as an app in this process, to publish articles and read the database."""
    app = create_app({"SECRET_KEY": SECRET_KEY, "RATELIMIT_ENABLED": "off"}, server.folder)
    yield app
    dispose(app)


@pytest.fixture
def article(server: Server, blog: Flask) -> Callable[..., str]:
    """Return a function that publishes an article of this test's own and returns its address."""
    return partial(add_article, server, blog)


def add_article(
    server: Server, blog: Flask, lang: str = "en", paragraphs: int = 3, views: int = 0, text: str = "", title: str = ""
) -> str:
    slug = f"article-{next(numbers)}"
    prose = "They sing before sunrise, and nobody has asked them to. " * 6
    text = text or "\n\n".join(prose for _ in range(paragraphs))
    title = title or ("Les oiseaux : une écoute" if lang == "fr" else "Birds by ear")
    when = datetime(2026, 1, 2, tzinfo=UTC)
    with blog.app_context(), write_transaction() as session:
        published = publish(session, Manuscript(slug, lang, title, "", [], False, when, text), when).article
        start_count(session, published.id, views)
    return f"{server.url}/articles/{slug}"


class Visit:
    """One visitor's browser. `allow` takes patterns of console messages that the test expects."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.context = context
        self.home = urlsplit(home).netloc
        self.messages: list[str] = []
        # Chromium says so if a test types before the page has processed `autofocus`.
        self.allowed: list[str] = ["Autofocus processing was blocked"]
        self.elsewhere: list[str] = []
        self.requests: list[Request] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self.messages.append(str(error.error)))
        context.on("request", self._on_request)
        self.page: Page = context.new_page()

    def allow(self, pattern: str) -> None:
        self.allowed.append(pattern)

    def check(self) -> None:
        unexpected = [text for text in self.messages if not any(re.search(each, text) for each in self.allowed)]
        assert unexpected == []
        assert self.elsewhere == []

    def _on_console(self, message: ConsoleMessage) -> None:
        self.messages.append(message.text)

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        if urlsplit(request.url).netloc != self.home:
            self.elsewhere.append(request.url)


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Visit]]:
    """Open a separate browser context for a visitor: `visit(java_script_enabled=False, color_scheme="dark")`."""
    visits: list[Visit] = []

    def make(**options: Any) -> Visit:
        context = browser.new_context(**{"user_agent": PERSON, **options})
        context.set_default_timeout(30_000)
        visits.append(Visit(context, server.url))
        return visits[-1]

    yield make
    for each in visits:
        each.context.close()
    for each in visits:
        each.check()


# Comments outside of the window are not laid out (content-visibility), so axe would see them under what follows them.
CHECK = """async (options) => {
  const items = document.querySelectorAll(".threads > .item");
  for (const each of items) each.style.contentVisibility = "visible";
  const { violations } = await axe.run(options);
  for (const each of items) each.style.contentVisibility = "";
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => [id, node.target, node.failureSummary]));
}"""


def assert_accessible(page: Page, colors_only: bool = False, skip_colors: bool = False) -> None:
    """axe finds no violation of WCAG 2.2 AA or of its best practices on the current page.

    With `colors_only` it checks the rules about colours only, on a page that was checked in another colour scheme. With
    `skip_colors` it checks everything but the contrast, on a page whose colours another test checks: that rule takes
    half of the time.
    """
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    rules: dict[str, Any] = {"type": "tag", "values": tags}
    if colors_only:
        rules = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
    if not page.evaluate("'axe' in window"):  # it takes a quarter of the time of the check
        page.evaluate(AXE_SCRIPT)
    # Without resultTypes, axe describes every element that it has checked, which takes longer than the checks.
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    if skip_colors:
        options["rules"] = {"color-contrast": {"enabled": False}}
    report = page.evaluate(CHECK, options)
    assert report == [], page.url


def assert_accessible_in_both_schemes(page: Page) -> None:
    """axe finds nothing in light colours, and no wrong colour in dark ones."""
    page.emulate_media(color_scheme="light")
    assert_accessible(page)
    page.emulate_media(color_scheme="dark")
    assert_accessible(page, colors_only=True)
    page.emulate_media(color_scheme="light")


def write(page: Page, text: str, name: str = "Ada", form: str = "#comment-form") -> None:
    """Fill a comment form and send it."""
    page.locator(f"{form} [name=body]").fill(text)
    page.locator(f"{form} [name=author_name]").fill(name)
    page.locator(f"{form} button[type=submit]").click()
