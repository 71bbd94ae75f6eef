"""The production server with a short deadline for request bodies, so that a test can wait for it."""

from __future__ import annotations

import sys

from blogapp.web import server

BODY_SECONDS = 2.0

if __name__ == "__main__":
    server.BODY_SECONDS = BODY_SECONDS
    server.main(*sys.argv[1:2])
