"""Old addresses of articles: every request to one is sent on to the present address."""

from __future__ import annotations

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from blogapp.articles.reading import Moved


def init_app(app: Flask) -> None:
    @app.errorhandler(Moved)
    def on_moved(error: Moved) -> Response:
        """The same page of the same article, with the same query: 301 for reading, 308 for a form, which browsers then
        send again as it is. No cache keeps it: an article can be renamed back."""
        address = url_for(request.endpoint or "", **{**(request.view_args or {}), "slug": error.slug})
        if request.query_string:
            address += "?" + request.query_string.decode("latin-1")
        return redirect(address, 301 if request.method in {"GET", "HEAD"} else 308)
