"""What asks to be counted and is not: each with its reason, and the words for it."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from crawleruseragents import is_crawler
from werkzeug.datastructures import Headers

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
    AGAIN: "seen again by the same reader on the same day",
    BOT: "programs, by their own name or without one",
    PRELOAD: "loaded by a browser in advance, not looked at",
    RESTORE: "put back by the browser's history",
    FOREIGN: "not asked for by a page of this blog",
    HEAD: "only asked whether there is something",
    OBJECTION: "readers who do not want to be counted",
    OWNER: "yourself, signed in",
    LIMIT: "too many new readers from one network in an hour",
    LOST: "given up: the database could not be written",
}

# Characters of a user agent that are looked at; the longest of browsers have some 300.
LONGEST_AGENT = 512

# What the list of crawlers has no entry for: tools that drive a browser, what calls itself a program (but a Cubot is a
# telephone), and libraries and tools that speak HTTP and give their own name first.
UNLISTED = re.compile(
    r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|lighthouse"
    r"|(?<!cu)bot(?![a-z])|crawler|spider|scraper|fetcher|archiver|validator|monitoring|uptime|https?://"
    r"|httpclient|http-client|superagent|powershell|jsdom|happydom|cypress|slimerjs|wkhtml|htmlunit|cutycapt"
    r"|linkchecker|htmlproofer|^(?:aria2|googlehc|h2load|kube-probe|lychee|muffet|oha|siege|xenu)(?![a-z])"
    r"|^(?:apachebench|bun|dart|deno|faraday|fasthttp|gatling|go-resty|guzzlehttp|hackney|hey|http\.rb|hyper|insomnia"
    r"|java|jmeter|k6|libcurl|locust|node|php|postmanruntime|pycurl|python|reactornetty|reqwest|rest-client|restsharp"
    r"|ruby|symfony|typhoeus|undici|unirest|ureq|vegeta|winhttp|wrk)(?![a-z])",
    re.IGNORECASE,
)


def reason_not_to_count(
    method: str, headers: Headers, own_hosts: Collection[str], has_objected: bool, is_owner: bool
) -> str:
    """Why a request does not count as a view, as far as it shows by itself; "" where it may.

    `own_hosts`: the names that the blog goes by. A page of it may ask, and a program that sends no such headers.
    `Sec-Purpose` (Fetch standard), `Purpose` and `X-Purpose` (older Chromium and Safari) and `X-Moz` (older Firefox)
    mark what is loaded before anybody asks for it. `Sec-GPC` is Global Privacy Control.
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
        # The picture's address typed by hand, or in a frame, is a document of its own and shows no article.
        is_picture = headers.get("Sec-Fetch-Dest", "image") == "image"
        return site not in {"same-origin", "none"} or (method == "GET" and not is_picture)
    return referer is not None and _host_in(referer) not in own_hosts


def _host_in(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


@lru_cache(4096)
def is_bot(user_agent: str) -> bool:
    """Whether a user agent says that it is a program, or says nothing. Kept for the agents that were asked about
    last: the list has some 1,500 patterns, and an agent takes 0.2 ms."""
    return not user_agent.strip() or bool(UNLISTED.search(user_agent)) or is_crawler(user_agent)
