"""What other machines can carry, calculated from the stored results: the table of docs/PERFORMANCE.md."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import number
from benchmarks.results import Results

DOCUMENT = Path(__file__).parent.parent / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- capacity: written by `python -m benchmarks report` -->\n", "<!-- end of capacity -->"
CORES = 2  # of the measured machine
REFRESHES = 6  # while an article is read for a minute


def write(results: Results, path: Path = DOCUMENT) -> None:
    """Replace the table in the document."""
    path.write_text(document(results, path.read_text()))


def document(results: Results, text: str) -> str:
    """`text` with the table of the results between the two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table(results) + END + after


def table(results: Results) -> str:
    """The capacities as a Markdown table; a sentence if one of the parts has not been measured."""
    if missing := {"sqlite", "postgresql", "memory", "browser"} - results.parts.keys():
        return f"\nNot measured yet: {', '.join(sorted(missing))}.\n\n"
    own, shared = rates(results, "sqlite"), rates(results, "postgresql")
    workers = 2 * memory(results, "after") + memory(results, "main process")
    four = 4 * memory(results, "after") + memory(results, "main process")
    rows = [
        ["", "512 MB, 1 core", "2 cores, as measured", "4 cores", "each of N machines with 2 cores, PostgreSQL"],
        ["---", "---:", "---:", "---:", "---:"],
        ["pages a second", *scaled(own["page"]), number(shared["page"])],
        ["readers a second", *scaled(readers(own)), number(readers(shared))],
        ["comments a second", number(own["comment"] / 2), *[number(own["comment"])] * 2, "see below"],
        ["memory of the processes, MB", number(workers), number(workers), number(four), number(workers)],
    ]
    return "\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in rows) + "\n"


def rates(results: Results, name: str) -> dict[str, float]:
    """Requests per second of the measured machine."""
    part = results.parts[name]
    rows = {
        "page": "article, 50 comments",
        "refresh": "refresh, nothing new (204)",
        "view": "view, ever new readers",
        "comment": "comment, HTMX",
    }
    return {key: row.median for key, name in rows.items() if (row := part.row(name))}


def readers(rate: dict[str, float]) -> float:
    """Readers per second: each requests a page, counts a view and refreshes the comments for a minute."""
    return 1 / (1 / rate["page"] + 1 / rate["view"] + REFRESHES / rate["refresh"])


def memory(results: Results, words: str) -> float:
    return next(row.median for row in results.parts["memory"].rows if words in row.name)


def scaled(rate: float) -> list[str]:
    """The rate on 1, 2 and 4 cores."""
    return [number(rate / CORES * cores) for cores in (1, 2, 4)]
