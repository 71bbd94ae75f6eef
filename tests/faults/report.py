"""The rows of the table that `make faults` prints."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One thing that must hold during a fault. `held` is None if the fault could not be tried; `measured` says why."""

    fault: str
    must: str
    measured: str
    held: bool | None


def not_tried(fault: str, why: str) -> list[Row]:
    return [Row(fault, "", why, None)]


def table(rows: list[Row]) -> str:
    words = {True: "held", False: "NOT HELD", None: "not tried"}
    cells = [("fault", "must hold", "measured", "")]
    cells += [(row.fault, row.must, row.measured, words[row.held]) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else max(values, default=0.0)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
