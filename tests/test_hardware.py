"""The number of worker processes that fit a machine or a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from blogapp.hardware import available_cores, available_memory, fitting_workers

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("cores", "memory", "workers"),
    [
        (1, 512 * MB, 2),
        (1, 256 * MB, 1),
        (1, 64 * MB, 1),
        (4, 8192 * MB, 4),
        (4, 512 * MB, 3),
        (64, 65_536 * MB, 16),
        (2, None, 2),
    ],
)
def test_workers_fit_cores_and_memory(cores: int, memory: int | None, workers: int) -> None:
    assert fitting_workers(cores, memory) == workers


def test_limits_of_a_container_are_respected(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text(f"{512 * MB}\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert available_memory(tmp_path) == 512 * MB
    assert available_cores(tmp_path) == 1


def test_container_without_limits_has_those_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    without = tmp_path / "nothing"
    assert available_memory(tmp_path) == available_memory(without)
    assert available_cores(tmp_path) == available_cores(without) >= 1
