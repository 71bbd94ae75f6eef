"""Redirect requests for the old slugs of articles, and for unpublished articles."""

from __future__ import annotations

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from blogapp.articles.reading import ArticleGone, ArticleMoved
from blogapp.web.errors import answer


def init_app(app: Flask) -> None:
    @app.errorhandler(ArticleMoved)
    def on_moved(error: ArticleMoved) -> Response:
        """Redirect to the same page at the current slug, with the same query string: 301 for GET, 308 for a form, so
        that browsers resend it unchanged. Not cached, because a slug can be changed back."""
        address = url_for(request.endpoint or "", **{**(request.view_args or {}), "slug": error.slug})
        if request.query_string:
            address += "?" + request.query_string.decode("latin-1")
        return redirect(address, 301 if request.method in {"GET", "HEAD"} else 308)

    @app.errorhandler(ArticleGone)
    def on_gone(error: ArticleGone) -> Response | tuple[str, int]:
        """Not cached either, because an article can be published again."""
        if error.redirect_to is None or request.method not in {"GET", "HEAD"}:
            return answer(error.status)
        is_path = error.redirect_to.startswith("/")
        return redirect(f"{request.script_root}{error.redirect_to}" if is_path else error.redirect_to, 301)
