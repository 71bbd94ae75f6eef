"""Decide which requests count as views, and why the others do not."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from blogapp.view_counts.crawlers import is_crawler

HEAD = "head"
FOREIGN = "foreign"
PRELOAD = "preload"
RESTORE = "restore"
BOT = "bot"
OBJECTION = "objection"
OWNER = "owner"
AGAIN = "again"
LIMIT = "limit"
LOST = "lost"

REASONS = {
    AGAIN: "viewed again by the same reader on the same day",
    BOT: "programs: by their user agent, or without one",
    PRELOAD: "preloaded by a browser, not viewed",
    RESTORE: "restored from the browser's history",
    FOREIGN: "not requested by a page of this blog",
    HEAD: "HEAD requests",
    OBJECTION: "readers who opted out",
    OWNER: "the signed-in owner",
    LIMIT: "too many new readers from one network in an hour",
    LOST: "lost: the database could not be written",
}

# Characters of a user agent that are checked; those of browsers have at most about 300.
LONGEST_AGENT = 512

# Browsers identify themselves as Mozilla or Opera. Some text browsers, phones and apps do not.
BROWSER = re.compile(
    r"\W?(?:mozilla|opera)[/ ]\d|(?:lynx|w3m|e?links|dillo|netsurf|icab|uc ?web|nokia|samsung|blackberry|sonyericsson)"
    r"|.*(?:browser\b|midp|cldc)",
    re.IGNORECASE,
)
# Programs that identify themselves as Mozilla have "compatible" where only Internet Explorer and Konqueror may have it,
# or contain one of these words. Searched for in the lower-case user agent: ignoring case takes four times as
# long, and finds the same in Latin-1, which header fields are decoded from. Every alternative begins with a character,
# so that `re` skips all other characters: that halves the time.
PROGRAM = re.compile(
    r"compatible[;)](?!\s*(?:msie \d|konqueror))"
    r"|headless|phantomjs|puppeteer|playwright|selenium|webdriver|lighthouse|bots?(?![a-z])|crawl|crwlr|spider|scrap|scan"
    r"|fetch|archiver|validator|monitor|uptime|https?://|www\.(?<!\wwww\.)|@[a-z][a-z\d-]*\.|capture|screenshot"
    r"|webthumb|webkit2png|check(?:er|\.com|\b)|inspect|extract|analyzer|advisor|radar|synthetic|audit|proxy"
    r"|transcoder|measurement|agent\b(?<!useragent)|survey|diagnostics|observatory|prospecting|verif|http ?client"
    r"|http-client|superagent|powershell|jsdom|happydom|cypress|slimerjs|wkhtml|htmlunit|cutycapt|zombie\.js"
    r"|microsoft outlook|ms-office"
    r"|google[ -](?:page speed|pp default|search console|favicon|keyword)|google-(?!read-aloud)\w|googleadsense"
    r"|-google/|daum |ptst|neustar|stumbleupon|iplabel|functionize|convertify|pageburst|sparkler|mixnode|assetnote"
    r"|inspici|whatcms|mshots|debugbear|yandex\.translate|sitemon|msie or firefox"
)
# Removed before matching: phones with "bot" in their name, build numbers of phones (the list of crawlers contains one
# of a whole phone model), and WhatsApp's desktop app (its link preview bot does not identify itself as Mozilla).
PEOPLE = re.compile(r"\bbuild/[\w.]+|\bm[ _]bot\b[ _]?\w*|cubot[ _]?\w*|(?<=\) )whatsapp/[\d.]+", re.IGNORECASE)


def reason_not_to_count(
    method: str, headers: Headers, own_hosts: Collection[str], has_objected: bool, is_owner: bool
) -> str:
    """Return why a request does not count as a view, or "" if it may count.

    `own_hosts` are the host names of the blog: a request from a page of another host does not count. `Sec-Purpose`
    (Fetch standard), `Purpose` and `X-Purpose` (older Chromium and Safari) and `X-Moz` (older Firefox) mark preloads.
    `Sec-GPC` is Global Privacy Control.
    """
    if method == "HEAD":
        return HEAD
    if _is_foreign(method, headers, own_hosts):
        return FOREIGN
    if any(headers.get(name) for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")):
        return PRELOAD
    if headers.get("HX-History-Restore-Request") == "true":
        return RESTORE
    if is_bot(headers.get("User-Agent", "")[:LONGEST_AGENT]):
        return BOT
    if has_objected or headers.get("Sec-GPC", "").strip() == "1" or headers.get("DNT", "").strip() == "1":
        return OBJECTION
    return OWNER if is_owner else ""


def _is_foreign(method: str, headers: Headers, own_hosts: Collection[str]) -> bool:
    site, referer = headers.get("Sec-Fetch-Site"), headers.get("Referer")
    if site is not None:
        # In the address bar or in a frame, the image is opened as a document, not as part of an article.
        is_picture = headers.get("Sec-Fetch-Dest", "image") == "image"
        return site not in {"same-origin", "none"} or (method == "GET" and not is_picture)
    return referer is not None and _host_in(referer) not in own_hosts


def _host_in(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


@lru_cache(1024)
def is_bot(user_agent: str) -> bool:
    """Return whether a user agent belongs to a program or is empty. Cached, because matching takes about 0.1 ms."""
    if not BROWSER.match(user_agent):
        return True
    described = PEOPLE.sub("", user_agent)
    return bool(PROGRAM.search(described.lower())) or is_crawler(described)
