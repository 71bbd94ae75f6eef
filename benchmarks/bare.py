"""A bare Flask view, the baseline for the POST of a view."""

from __future__ import annotations

from flask import Flask, Response

app = Flask(__name__)


@app.get("/readyz")
def readyz() -> str:
    return "ok"


@app.post("/articles/birds/views")
def create() -> Response:
    return Response(status=204)
