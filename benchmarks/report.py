"""docs/BENCHMARKS.md, made from the stored results."""

from __future__ import annotations

import textwrap
from pathlib import Path

from benchmarks.results import BARE, BARE_OF_GOALS, Part, Results, Row

DOCUMENT = Path(__file__).parent.parent / "docs" / "BENCHMARKS.md"

# The parts in the order of the document: heading, and what was measured how.
SECTIONS = {
    "sqlite": (
        "Requests per second, SQLite",
        "The production server with two processes. wrk sends requests over 16 connections on loopback and runs on the "
        "same cores. Requests ask for compressed responses, as browsers do, and wrk reads the whole body. All rows are "
        "measured in turn. Isso runs on granian with two processes and its default settings, without its rate limits; "
        "nginx serves the page of the article with 50 comments from a file, already compressed.",
    ),
    "postgresql": (
        "Requests per second, PostgreSQL",
        "The same requests. PostgreSQL runs on the same cores and writes commits to disk.",
    ),
    "pages": (
        "Rendering",
        "In process, one thread. *ms* is the time of a request that the page cache cannot answer. *queries* are SQL "
        "statements; *bytes* are those of the HTML, *br* those of the HTML compressed with brotli.",
    ),
    "memory": (
        "Memory",
        "The proportional set size (PSS) of each of two worker processes on SQLite: its own memory and its part of "
        "shared memory. The requests are of twenty kinds, from ever new visitors.",
    ),
    "start": (
        "Start",
        "From starting the command to the first response with an article.",
    ),
    "browser": (
        "In the browser",
        "Chromium as a telephone (412 × 823 pixels), with a processor that is four times slower and Chromium's *slow "
        "4G* (560 ms for each request, 1.4 Mbit/s). Other programs on the machine make tasks longer. The article has "
        "50 comments and is opened at its comments. The site's icon is not counted. *Interaction to next paint* is the "
        "slowest interaction while a comment is typed and posted.",
    ),
    "lighthouse": (
        "Lighthouse",
        "Lighthouse's mobile preset.",
    ),
}
INTRODUCTION = """# Benchmarks

`make bench` measures everything on this page except Lighthouse's scores (`make lighthouse`) and takes less than ten
minutes. It writes `docs/benchmarks.json`, this page and `docs/benchmarks.svg`. `.venv/bin/python -m benchmarks sqlite`
measures one part; the parts are {parts}.
`--seconds 1 --runs 1` makes it short.

The load, the server and the database share the cores of one machine, so compare ratios and orders of magnitude.
Goals in seconds and in requests per second were set on a machine with two cores on which a bare Flask view answered
{bare:,} requests per second. The rate of the bare view during a part says how fast this machine was then; a shared one
changes by a factor of two within hours. *At the speed of the goals* is a median in proportion to that rate: an
estimate, because waiting for the disk is not in proportion. The last column is about the median as measured.
[PERFORMANCE.md](PERFORMANCE.md) explains the figures.

![Requests per second of pages, a bare Flask view, nginx and Isso](benchmarks.svg)
"""


def write(results: Results, path: Path = DOCUMENT) -> None:
    path.write_text(document(results))


def document(results: Results) -> str:
    """The results as a Markdown page."""
    parts = ", ".join(f"`{name}`" for name in SECTIONS)
    facts = "; ".join(f"{name} {value}" for name, value in [*results.machine.items(), *results.versions.items()])
    sections = [section(name, results.parts[name]) for name in SECTIONS if name in results.parts]
    return "\n".join([INTRODUCTION.format(parts=parts, bare=BARE_OF_GOALS), paragraph(f"{facts}."), *sections])


def section(name: str, part: Part) -> str:
    """One part as Markdown: heading, explanation, table."""
    heading, explanation = SECTIONS[name]
    measured = f"Measured on {part.date} at commit {part.commit}."
    if part.bare_rate is not None and part.row(BARE) is None:
        measured += f" A bare Flask view then answered {number(part.bare_rate)} requests per second."
    return "\n".join(
        [f"## {heading}\n", paragraph(f"{explanation} {measured}"), *map(paragraph, part.notes), table(part)]
    )


def paragraph(words: str) -> str:
    return textwrap.fill(words, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def table(part: Part) -> str:
    """The rows as a Markdown table. A column without any value is left out."""
    details = list(dict.fromkeys(name for row in part.rows for name in row.details))
    bare = part.row(BARE)
    is_converted = any(part.at_speed_of_goals(row) is not None for row in part.rows)
    numbers = [*(["times the bare view"] if bare else []), *details]
    head = [
        "",
        "min",
        "median",
        "max",
        "unit",
        *numbers,
        "goal",
        *(["at the speed of the goals"] if is_converted else []),
        "",
    ]
    lines = [head, ["---", *["---:"] * 3, "---", *["---:"] * len(numbers), "---", *["---:"] * is_converted, "---"]]
    for row in part.rows:
        refused = f" ({row.errors:,} refused)" if row.errors else ""
        lines.append(
            [
                row.name + refused,
                *(number(value) for value in (min(row.values), row.median, max(row.values))),
                row.unit,
                *([number(row.median / bare.median)] if bare else []),
                *(number(row.details[name]) if name in row.details else "" for name in details),
                goal(row),
                *([converted(part, row)] if is_converted else []),
                {True: "reached", False: "missed", None: ""}[part.reaches_goal(row)],
            ]
        )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def converted(part: Part, row: Row) -> str:
    """The median at the speed of the goals, and whether it reaches the row's goal."""
    value = part.at_speed_of_goals(row)
    if value is None or row.goal is None:
        return ""
    return f"{number(value)}, {'reached' if row.is_within(value, row.goal) else 'missed'}"


def number(value: float) -> str:
    """A number with two or three significant digits, or with all its integer digits: 0.0051, 0.71, 48.2, 10,730."""
    if value == int(value) or value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def goal(row: Row) -> str:
    if row.goal is None:
        return ""
    sign = "≤" if row.at_most else "≥"
    return f"{sign} {row.goal:g} × {row.base}" if row.base else f"{sign} {row.goal:g}"
