"""Flask's session is switched off."""

from __future__ import annotations

import pytest
from flask import Flask, session


def test_flask_session_cannot_be_written(app: Flask) -> None:
    with app.test_request_context("/"), pytest.raises(RuntimeError):
        session["name"] = "Ada"
