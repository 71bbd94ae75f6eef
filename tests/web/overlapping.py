"""An application for tests of requests at the same time: one that waits for another, and one that sees whether it runs
alone."""

from __future__ import annotations

import time
from threading import Event, Lock

from flask import Flask

app = Flask(__name__)
ended = Event()
counting = Lock()
running = 0


@app.get("/readyz")
def readyz() -> str:
    return "ok"


@app.get("/wait")
def wait() -> str:
    return str(ended.wait(timeout=60))


@app.get("/end")
def end() -> str:
    ended.set()
    return "ended"


@app.get("/work")
def work() -> str:
    """How many requests, with this one, ran when this one began."""
    global running
    with counting:
        running += 1
        found = running
    time.sleep(0.001)
    with counting:
        running -= 1
    return str(found)
