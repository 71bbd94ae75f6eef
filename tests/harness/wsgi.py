"""The application for a tested server: like `app.py`, with its data in the test's folder."""

from __future__ import annotations

import os
from pathlib import Path

from blogapp import create_app

app = create_app(os.environ, Path(os.environ["BLOGAPP_TEST_FOLDER"]))
