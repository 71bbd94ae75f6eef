"""An application for server tests: slow, failing and streaming responses, and one with the WSGI environment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request

from blogapp.web.health import healthz
from blogapp.web.immediate import Immediate

app = Flask(__name__)
closed: list[int] = []


@app.get("/readyz")
def readyz() -> str:
    return "ok"


@app.get("/sleep")
def sleep() -> str:
    time.sleep(120)
    return "slept"


@app.post("/environ/<path:path>")
def environ(path: str) -> str:
    lines = [f"{name}={value}" for name, value in request.environ.items() if isinstance(value, str)]
    return "\n".join([*lines, f"body={request.get_data(as_text=True)}"])


class Failing:
    """Raises an error outside Flask for the path /fails."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/fails":
            raise ValueError("on purpose")
        return self.inner(environ, start_response)


@app.get("/closes")
def closes() -> Response:
    def chunks() -> Iterator[str]:
        yield "1"
        yield "2"

    response = Response(chunks())
    response.call_on_close(lambda: closed.append(1))
    return response


@app.get("/closed")
def count() -> str:
    return str(len(closed))


app.wsgi_app = Immediate(Failing(app.wsgi_app), lambda environ: None, [healthz])  # type: ignore[method-assign]
