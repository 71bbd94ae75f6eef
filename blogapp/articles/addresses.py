"""The addresses of articles and pages: `/articles/<slug>`, and `/<slug>` for a page such as "About"."""

from __future__ import annotations

import re
from posixpath import normpath
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app, request, url_for

from blogapp.articles.models import PAGE

# `/<slug>`, `/articles/<slug>` and what is below it, such as its comments.
PATH_OF_ARTICLE = re.compile(r"articles/([^/]+)(?:/.*)?|([^/]+)")


class HasAddress(Protocol):
    @property
    def slug(self) -> str: ...

    @property
    def kind(self) -> str: ...


def init_app(app: Flask) -> None:
    app.jinja_env.globals["article_url"] = article_url


def article_url(article: HasAddress, **values: Any) -> str:
    """The path of an article or a page; `values` are those of `url_for()`."""
    endpoint = "articles.show_page" if article.kind == PAGE else "articles.show"
    return url_for(endpoint, slug=article.slug, **values)


def is_reserved(slug: str) -> bool:
    """Whether the site itself has addresses that begin with `/<slug>`, so that no page can have it."""
    # Static files are served without Flask.
    return slug == "static" or any(rule.rule.split("/")[1] == slug for rule in current_app.url_map.iter_rules())


def slug_in(address: str) -> str | None:
    """The slug of the article or page that an address of this site leads to: a path below the site's root, or a whole
    URL. None for any other address. The article need not exist."""
    url, root = urlsplit(address), f"{request.script_root}/"
    if url.netloc and url.netloc.lower() != request.host:
        return None
    # Browsers resolve "." and "..", also "%2e", before they follow a redirect.
    path = normpath(unquote(url.path if url.netloc else request.script_root + url.path))
    if not path.startswith(root) or "\0" in path:
        return None
    match = PATH_OF_ARTICLE.fullmatch(path.removeprefix(root))
    if not match:
        return None
    article, page = match.groups()
    return article or (None if is_reserved(page) else page)
