"""What a benchmark has measured: rows, stored as JSON, from which the tables and the chart are made."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STORED = Path(__file__).parent.parent / "docs" / "benchmarks.json"
BARE = "a bare Flask view"
# The rate of a bare Flask view, in requests per second, on the machine on which the goals in seconds and in requests
# per second were set (November 2026; two cores, granian with two processes, 16 connections).
BARE_OF_GOALS = 10_060


@dataclass
class Row:
    """One kind of measurement, with the values of all runs.

    `goal` is the least median that is wanted, or the largest if `at_most`. With `base` it is a multiple of the median
    of the row with that name. `details` has numbers that do not vary from run to run, such as bytes.
    """

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    goal: float | None = None
    at_most: bool = False
    base: str = ""
    errors: int = 0
    details: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def is_within(self, value: float, limit: float) -> bool:
        return value <= limit if self.at_most else value >= limit


@dataclass
class Part:
    """The rows of one part of the benchmarks, with the day and the commit they were measured at.

    `bare_rate` is the rate of a bare Flask view in the same minutes, in requests per second, if the figures depend on
    the speed of the machine as it does.
    """

    rows: list[Row]
    date: str
    commit: str
    notes: list[str] = field(default_factory=list)
    bare_rate: float | None = None

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name and row.values), None)

    def reaches_goal(self, row: Row) -> bool | None:
        """Whether the row's median reaches its goal; None if it has no goal."""
        base = self.row(row.base) if row.base else None
        if row.goal is None or (row.base and base is None):
            return None
        return row.is_within(row.median, row.goal * (base.median if base else 1))

    def at_speed_of_goals(self, row: Row) -> float | None:
        """The row's median in proportion to the rate BARE_OF_GOALS; None if its goal is relative or does not depend on
        the speed. An estimate: only the processor's part of a figure is in proportion, not waiting for the disk."""
        if self.bare_rate is None or row.goal is None or row.base or row.unit not in {"requests/s", "ms", "s"}:
            return None
        speed = self.bare_rate / BARE_OF_GOALS
        return row.median / speed if row.unit == "requests/s" else row.median * speed


@dataclass
class Results:
    """All parts, and the machine and the versions of the latest run."""

    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)


def load(path: Path = STORED) -> Results:
    """The stored results; empty ones if there are none."""
    if not path.exists():
        return Results()
    stored: dict[str, Any] = json.loads(path.read_text())
    parts = {
        name: Part(**{**part, "rows": [Row(**row) for row in part["rows"]]}) for name, part in stored["parts"].items()
    }
    return Results(stored["machine"], stored["versions"], parts)


def save(results: Results, path: Path = STORED) -> None:
    path.write_text(json.dumps(asdict(results), indent=1, ensure_ascii=False) + "\n")
