"""The application for a server under test: as `app.py`, with its data in a folder of the test's."""

from __future__ import annotations

import os
from pathlib import Path

from blogapp import create_app

app = create_app(os.environ, Path(os.environ["BLOGAPP_TEST_FOLDER"]))
