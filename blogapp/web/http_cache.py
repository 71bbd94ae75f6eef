"""Who may keep an answer: any cache keeps a reader's page and asks before using it; an author's own stays private."""

from __future__ import annotations

from flask import Flask, Response, request

from blogapp.web.htmx import vary


def init_app(app: Flask) -> None:
    @app.after_request
    def set_cache_rules(response: Response) -> Response:
        if request.endpoint == "static":
            return response
        vary(response)
        if "Cache-Control" in response.headers:
            return response
        if request.method not in {"GET", "HEAD"} or response.status_code not in {200, 204, 304}:
            response.headers["Cache-Control"] = "no-store"
        elif request.cookies or "Set-Cookie" in response.headers:
            response.headers["Cache-Control"] = "private, no-store"
        else:
            response.headers["Cache-Control"] = "public, no-cache"
            if response.status_code == 200 and not response.direct_passthrough:
                response.add_etag()
                response.make_conditional(request)
        return response
