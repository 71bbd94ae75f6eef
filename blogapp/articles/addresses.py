"""The addresses of articles and pages: `/articles/<slug>`, and `/<slug>` for a page such as "About"."""

from __future__ import annotations

from typing import Any, Protocol

from flask import Flask, current_app, url_for

from blogapp.articles.models import PAGE


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
