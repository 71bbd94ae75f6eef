"""Measure pages in Chromium as a telephone shows them: a slow processor and a slow network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.content import add_article, create_blog, release
from benchmarks.results import Row
from tests.harness import browser as chromium
from tests.harness.server import Server

TELEPHONE: dict[str, Any] = {
    "viewport": {"width": 412, "height": 823},
    "device_scale_factor": 1.75,
    "is_mobile": True,
    "has_touch": True,
    # A normal browser's user agent: views of headless browsers are not counted.
    "user_agent": "Mozilla/5.0 (Linux; Android 11; moto g power) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36",
}
SLOWER_CPU = 4
# The values of "slow 4G" in Chromium's developer tools; bytes per second.
SLOW_4G = {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375}
OBSERVE = """
window.measured = {paint: 0, threads: 0, shift: 0, task: 0, interaction: 0};
const observe = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
  .observe({type, buffered: true, durationThreshold: 16});
observe("paint", (entry) => {
  if (entry.name !== "first-contentful-paint") return;
  measured.paint = entry.startTime;
  // Only of threads: asking for the box of a comment would make the browser lay out the ones that it has skipped.
  measured.threads = [...document.querySelectorAll("#comment-list > .item")].filter((thread) => {
    const box = thread.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  }).length;
});
observe("layout-shift", (entry) => { if (!entry.hadRecentInput) measured.shift += entry.value; });
observe("longtask", (entry) => { measured.task = Math.max(measured.task, entry.duration); });
observe("event", (entry) => {
  if (entry.interactionId) measured.interaction = Math.max(measured.interaction, entry.duration);
});
"""
TEXT = "They sing before sunrise, and nobody has asked them to."


def measure(folder: Path, runs: int) -> list[Row]:
    app = create_blog(folder, f"sqlite:///{folder / 'blog.sqlite3'}")
    add_article(app, "n50", 50)
    release(app)
    server = Server(folder, workers=2)
    rows: dict[str, Row] = {}

    def note(name: str, unit: str, value: float, goal: float | None, at_most: bool = True) -> None:
        rows.setdefault(name, Row(name, unit, goal=goal, at_most=at_most)).values.append(value)

    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.ensure(), args=chromium.arguments())
            for _ in range(runs):
                with_telephone(
                    browser, server.url, lambda page, traffic: visit_article(page, traffic, server.url, note)
                )
                with_telephone(
                    browser, server.url, lambda page, traffic: visit_front_page(page, traffic, server.url, note)
                )
            browser.close()
    finally:
        server.stop()
    return list(rows.values())


class Traffic:
    """The requests of a page, and their bytes with header fields, as received. Without the site's icon, which a browser
    requests once, when nothing else is left to do."""

    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0
        self._icons: set[str] = set()

    def on_request(self, event: dict[str, Any]) -> None:
        if event["request"]["url"].endswith(("/icon.svg", "/icon.png")):
            self._icons.add(event["requestId"])
        else:
            self.requests += 1

    def on_finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] not in self._icons:
            self.bytes += event["encodedDataLength"]


def with_telephone(browser: Browser, url: str, visit: Callable[[Page, Traffic], None]) -> None:
    """Call `visit` with a page of a new browser profile on a slow telephone. The page has shown a line of text from the
    site, so that the start of its process is not measured."""
    context = browser.new_context(**TELEPHONE)
    page = context.new_page()
    session = context.new_cdp_session(page)
    traffic = Traffic()
    page.goto(f"{url}/healthz")
    session.on("Network.requestWillBeSent", traffic.on_request)
    session.on("Network.loadingFinished", traffic.on_finished)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_4G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER_CPU})
    page.add_init_script(OBSERVE)
    visit(page, traffic)
    context.close()


def visit_article(page: Page, traffic: Traffic, url: str, note: Callable[..., None]) -> None:
    """Read the article at its comments, then post a comment."""
    page.goto(f"{url}/articles/n50#comments")
    settle(page)
    found = page.evaluate("measured")
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    count = page.locator("article.comment").count()
    note("article: first contentful paint", "ms", found["paint"], None)
    note("article: threads in the window at the first contentful paint", "threads", found["threads"], 1, False)
    note("article: loaded", "ms", loaded, None)
    note("article: cumulative layout shift", "", found["shift"], 0)
    note("article: longest task over 50 ms, or 0", "ms", found["task"], 50)
    note("article: received, with header fields", "bytes", traffic.bytes, 40_000)
    note("article: requests, the view's included", "requests", traffic.requests, 4)
    page.evaluate("measured.shift = measured.task = 0")
    page.locator("#comment-form [name=body]").tap()
    # Another text in each run: the same one would be a repeat of the first run's comment.
    page.keyboard.type(f"{TEXT} {count}", delay=30)
    page.locator("#comment-form [name=author_name]").tap()
    page.keyboard.type("Ada", delay=30)
    page.locator("#comment-form button[type=submit]").tap()
    page.locator("article.comment").nth(count).wait_for(state="attached")
    settle(page)
    found = page.evaluate("measured")
    note("posting: interaction to next paint", "ms", found["interaction"], 200)
    note("posting: cumulative layout shift", "", found["shift"], 0)
    note("posting: longest task over 50 ms, or 0", "ms", found["task"], 50)


def visit_front_page(page: Page, traffic: Traffic, url: str, note: Callable[..., None]) -> None:
    page.goto(f"{url}/")
    settle(page)
    found = page.evaluate("measured")
    note("front page: first contentful paint", "ms", found["paint"], None)
    note("front page: cumulative layout shift", "", found["shift"], 0)
    note("front page: longest task over 50 ms, or 0", "ms", found["task"], 50)
    note("front page: received, with header fields", "bytes", traffic.bytes, 40_000)
    note("front page: requests", "requests", traffic.requests, 4)


def settle(page: Page) -> None:
    """Wait until the page has no request open, and what follows from the last one is drawn."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(500)
