"""The file that tells other processes about changes during an outage."""

from __future__ import annotations

from pathlib import Path

import pytest

from blogapp.db.change_marker import LENGTH, ChangeMarker, removals


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "blog.changed"


def remove(marker: ChangeMarker) -> None:
    marker.finish_removal(marker.begin_removal())


def test_marker_differs_after_every_removal(path: Path) -> None:
    writer, reader = ChangeMarker(path), ChangeMarker(path)
    seen = set()
    for _ in range(3):
        removal = writer.begin_removal()
        assert reader.read() is None
        writer.finish_removal(removal)
        seen.add(reader.read())
    assert len(seen) == 3
    assert None not in seen


def test_addition_changes_only_the_second_part(path: Path) -> None:
    writer, reader = ChangeMarker(path), ChangeMarker(path)
    writer.ensure()
    before = reader.read()
    writer.add()
    after = reader.read()
    assert before is not None
    assert after is not None
    assert before != after
    assert removals(before) == removals(after)


def test_addition_does_not_end_an_interrupted_removal(path: Path) -> None:
    writer, other = ChangeMarker(path), ChangeMarker(path)
    writer.ensure()
    writer.begin_removal()
    other.add()
    assert ChangeMarker(path).read() is None


def test_removal_is_ended_by_the_one_that_began_last(path: Path) -> None:
    first, second = ChangeMarker(path), ChangeMarker(path)
    removals = [each.begin_removal() for each in (first, second)]
    first.finish_removal(removals[0])
    assert first.read() is None
    second.finish_removal(removals[1])
    after = first.read()
    assert after is not None
    first.finish_removal(removals[0])
    assert first.read() not in {None, after}


@pytest.mark.parametrize("length", [0, 16, 100])
def test_file_of_another_length_is_replaced(path: Path, length: int) -> None:
    path.write_bytes(b"x" * length)
    marker = ChangeMarker(path)
    assert marker.read() is None
    marker.ensure()
    assert marker.read() is not None


def test_changes_are_seen_after_the_file_was_deleted(path: Path) -> None:
    writer = ChangeMarker(path)
    remove(writer)
    path.unlink()
    remove(writer)
    assert ChangeMarker(path).read() is not None


def test_changes_are_written_to_a_file_that_replaced_the_first(path: Path) -> None:
    writer = ChangeMarker(path)
    remove(writer)
    restored = path.with_name("restored")
    restored.write_bytes(b"x" * LENGTH)
    restored.replace(path)
    writer.begin_removal()
    assert ChangeMarker(path).read() is None


def test_longer_file_is_shortened(path: Path) -> None:
    path.write_bytes(b"x" * 100)
    remove(ChangeMarker(path))
    assert path.stat().st_size == LENGTH
    assert ChangeMarker(path).read() is not None
