"""The application for a tested server that makes its daily backup at once, also if the test's folder is in memory."""

from __future__ import annotations

from blogapp.site import storage
from blogapp.view_counts import batch_writer
from tests.harness import wsgi

batch_writer.BEGIN_AFTER = 0.0
storage.mounts = list

app = wsgi.app
