"""The tables and the chart of the benchmarks, made from stored results."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import capacity, chart, report, results
from benchmarks.results import BARE, BARE_OF_GOALS, Part, Results, Row


def part(*rows: Row) -> Part:
    return Part(list(rows), "2026-11-27", "abc1234")


def test_stored_results_are_read_back(tmp_path: Path) -> None:
    row = Row("article", "requests/s", [1.0, 3.0, 2.0], 2.0, base=BARE, errors=3, details={"bytes": 5})
    stored = Results({"cores": "2"}, {"Python": "3.11"}, {"sqlite": part(row)})
    results.save(stored, tmp_path / "results.json")
    assert results.load(tmp_path / "results.json") == stored


def test_document_and_chart_are_made_from_the_stored_results() -> None:
    stored = results.load()
    assert report.DOCUMENT.read_text() == report.document(stored)
    assert chart.DRAWING.read_text() == chart.drawing(stored)
    text = capacity.DOCUMENT.read_text()
    assert text == capacity.document(stored, text)


@pytest.mark.parametrize(
    ("goal", "at_most", "base", "reached"),
    [
        (2.0, False, BARE, True),
        (2.1, False, BARE, False),
        (200.0, False, "", True),
        (201.0, False, "", False),
        (200.0, True, "", True),
        (199.0, True, "", False),
        (None, False, "", None),
        (2.0, False, "a row that was not measured", None),
    ],
)
def test_median_is_compared_with_the_goal(goal: float | None, at_most: bool, base: str, reached: bool | None) -> None:
    row = Row("article", "requests/s", [1.0, 200.0, 900.0], goal, at_most, base)
    assert part(Row(BARE, "requests/s", [100.0]), row).reaches_goal(row) is reached


@pytest.mark.parametrize(
    ("unit", "values", "goal", "at_most", "base", "converted", "result"),
    [
        ("requests/s", [120.0], 400, False, "", "480, reached", "missed"),
        ("requests/s", [90.0], 400, False, "", "360, missed", "missed"),
        ("requests/s", [500.0], 400, False, "", "2,000, reached", "reached"),
        ("requests/s", [120.0], 2.0, False, BARE, "", "missed"),
        ("ms", [20.0], 6, True, "", "5, reached", "missed"),
        ("s", [4.0], 0.7, True, "", "1, missed", "missed"),
        ("MB", [70.0], 65, True, "", "", "missed"),
    ],
)
def test_absolute_goals_are_also_compared_at_the_speed_of_the_machine_on_which_they_were_set(
    unit: str, values: list[float], goal: float, at_most: bool, base: str, converted: str, result: str
) -> None:
    row = Row("comment", unit, values, goal, at_most, base)
    rows = [Row(BARE, "requests/s", [BARE_OF_GOALS / 4]), row, Row("page", "requests/s", [1.0], 400)]
    cells = report.table(Part(rows, "2026-11-27", "abc1234", bare_rate=BARE_OF_GOALS / 4)).splitlines()[3].split(" | ")
    assert [cell.strip("| ") for cell in cells[-2:]] == [converted, result]


def test_row_of_the_table_has_rates_ratio_bytes_and_goal() -> None:
    rows = [Row(BARE, "requests/s", [100.0]), Row("article", "requests/s", [90.0, 250.0, 1234.5], 2.0, base=BARE)]
    rows[1].details = {"bytes": 7444}
    rows[1].errors = 1000
    assert report.table(part(*rows)).splitlines()[-1] == (
        "| article (1,000 refused) | 90 | 250 | 1,234 | requests/s | 2.50 | 7,444 | ≥ 2 × a bare Flask view | reached |"
    )


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0051, "0.0051"), (0.714, "0.71"), (48.25, "48.2"), (10_730.4, "10,730"), (3.0, "3")]
)
def test_numbers_have_two_or_three_digits(value: float, shown: str) -> None:
    assert report.number(value) == shown


def test_bars_of_the_chart_are_proportional_and_described() -> None:
    rows = [Row("front page", "requests/s", [400.0]), Row(BARE, "requests/s", [100.0])]
    tree = ElementTree.fromstring(chart.drawing(Results(parts={"sqlite": part(*rows)})))
    bars = [each for each in tree.iter("{http://www.w3.org/2000/svg}rect") if each.get("class") != "page"]
    assert [float(each.get("width", "")) for each in bars] == [chart.LONGEST_BAR, chart.LONGEST_BAR / 4]
    assert tree.findtext("{http://www.w3.org/2000/svg}desc") == "Front page 400, Bare Flask view 100."


def test_capacity_is_calculated_from_the_medians() -> None:
    rate = {"page": 1000.0, "view": 100.0, "refresh": 600.0}
    assert capacity.readers(rate) == pytest.approx(1 / (0.001 + 0.01 + 0.01))
    assert capacity.scaled(500.0) == ["250", "500", "1,000"]


def test_capacity_replaces_only_its_own_table() -> None:
    text = f"before\n{capacity.BEGIN}old\n{capacity.END}\nafter\n"
    new = capacity.document(Results(), text)
    assert new.startswith("before\n")
    assert new.endswith("\nafter\n")
    assert "old" not in new
    assert "Not measured yet: browser, memory, postgresql, sqlite." in new
