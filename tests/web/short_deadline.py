"""The production and the development server with a short deadline for request bodies, for tests that wait for it."""

from __future__ import annotations

import sys

from flask import Flask

from blogapp import create_app as create
from blogapp.web import request_bodies, server

BODY_SECONDS = 2.0
request_bodies.USUAL = request_bodies.USUAL._replace(seconds=BODY_SECONDS)


def create_app() -> Flask:
    """The application for `flask run`."""
    return create()


if __name__ == "__main__":
    server.main(*sys.argv[1:2])
