"""Requests of these tests wait longer for their view: on a busy machine a transaction can take more than a second."""

from __future__ import annotations

import pytest

from blogapp.view_counts import batch_writer


@pytest.fixture(autouse=True)
def longer_wait(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`@pytest.mark.stuck_writer` keeps the limit of one second, for tests in which the writer waits for a lock."""
    if request.node.get_closest_marker("stuck_writer") is None:
        monkeypatch.setattr(batch_writer, "ANSWER_WITHIN", 30.0)
