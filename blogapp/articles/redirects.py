"""Redirect requests for the old slugs of articles, and for unpublished articles."""

from __future__ import annotations

from flask import Flask, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from blogapp.articles.reading import ArticleGone, ArticleMoved, is_redirect_loop
from blogapp.db.base import db
from blogapp.web.errors import answer
from blogapp.web.htmx import is_htmx


def init_app(app: Flask) -> None:
    @app.errorhandler(ArticleMoved)
    def on_moved(error: ArticleMoved) -> ResponseReturnValue:
        """Redirect to the same page at the current slug, with the same query string: 301 for GET, 308 for a form, so
        that browsers resend it unchanged. Not cached, because a slug can be changed back.

        A page that was opened before the slug changed still sends its HTMX requests to the old one. They are answered
        here, because the page's scripts refuse what has been redirected: it may be a captive portal's."""
        if is_htmx():
            return _answer_at(error.slug)
        address = url_for(request.endpoint or "", **{**(request.view_args or {}), "slug": error.slug})
        if request.query_string:
            address += "?" + request.query_string.decode("latin-1")
        return redirect(address, 301 if request.method in {"GET", "HEAD"} else 308)

    @app.errorhandler(ArticleGone)
    def on_gone(error: ArticleGone) -> Response | tuple[str, int]:
        """Not cached either, because an article can be published again. The editor refuses a redirect loop, but one can
        arise later, when the slug of another article is changed."""
        if error.redirect_to is None or request.method not in {"GET", "HEAD"}:
            return answer(error.status)
        if is_redirect_loop(db.session(), error.article_id, error.redirect_to):
            return answer(error.status)
        is_path = error.redirect_to.startswith("/")
        return redirect(f"{request.script_root}{error.redirect_to}" if is_path else error.redirect_to, 301)


def _answer_at(slug: str) -> ResponseReturnValue:
    """The answer to this request as if it had been sent to the article's current slug."""
    request.view_args = {**(request.view_args or {}), "slug": slug}
    try:
        return current_app.dispatch_request()
    except Exception as error:  # an error handler's own errors are not handled by Flask
        return current_app.handle_user_exception(error)
