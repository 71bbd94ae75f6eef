"""The file that tells other processes about changes during an outage."""

from __future__ import annotations

from pathlib import Path

import pytest

from blogapp.db.change_marker import LENGTH, ChangeMarker


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "blog.changed"


def test_marker_differs_after_every_change(path: Path) -> None:
    writer, reader = ChangeMarker(path), ChangeMarker(path)
    seen = set()
    for _ in range(3):
        writer.begin_change()
        assert reader.read() is None
        writer.finish_change()
        seen.add(reader.read())
    assert len(seen) == 3
    assert None not in seen


def test_changes_are_seen_after_the_file_was_deleted(path: Path) -> None:
    writer = ChangeMarker(path)
    writer.finish_change()
    path.unlink()
    writer.finish_change()
    assert ChangeMarker(path).read() is not None


def test_changes_are_written_to_a_file_that_replaced_the_first(path: Path) -> None:
    writer = ChangeMarker(path)
    writer.finish_change()
    restored = path.with_name("restored")
    restored.write_bytes(b"x" * LENGTH)
    restored.replace(path)
    writer.begin_change()
    assert ChangeMarker(path).read() is None


def test_longer_file_is_shortened(path: Path) -> None:
    path.write_bytes(b"x" * 100)
    ChangeMarker(path).finish_change()
    assert path.stat().st_size == LENGTH
    assert ChangeMarker(path).read() is not None
