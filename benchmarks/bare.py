"""The least that Flask can do: what a view's answer is held against."""

from __future__ import annotations

from flask import Flask, Response

app = Flask(__name__)


@app.get("/readyz")
def readyz() -> str:
    return "ok"


@app.post("/articles/birds/views")
def create() -> Response:
    return Response(status=204)
