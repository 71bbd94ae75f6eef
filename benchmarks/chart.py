"""docs/benchmarks.svg, made from the stored results: requests per second as bars, in light and dark colours."""

from __future__ import annotations

from html import escape
from pathlib import Path

from benchmarks.report import number
from benchmarks.results import BARE, Results, Row

DRAWING = Path(__file__).parent.parent / "docs" / "benchmarks.svg"
# The rows of the part `sqlite` that are drawn, what they are called, and the class of their bars.
BARS = {
    "nginx: the same page, 50 comments, as a file": ("nginx, the same page as a file", "other"),
    "refresh, nothing new (204)": ("Refresh, nothing new", "own"),
    "article, unchanged (304)": ("Article, unchanged", "own"),
    "front page": ("Front page", "own"),
    "article, 50 comments": ("Article, 50 comments", "own"),
    "article, 100,000 comments": ("Article, 100,000 comments", "own"),
    BARE: ("Bare Flask view", "other"),
    "Isso: 50 comments as JSON": ("Isso, 50 comments as JSON", "other"),
    "Isso: 1,000 comments as JSON": ("Isso, 1,000 comments as JSON", "other"),
}
WIDTH, ROW_HEIGHT, TOP, LABELS, LONGEST_BAR = 720, 28, 64, 240, 400
STYLE = """
    text { font: 14px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 16px; }
    .quiet { fill: #59636e; font-size: 13px; }
    .page { fill: #ffffff; }
    .own { fill: #0b6e4f; }
    .other { fill: #8c959f; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .quiet { fill: #9198a1; }
      .page { fill: #0d1117; }
      .own { fill: #3fb68b; }
      .other { fill: #6e7681; }
    }
"""


def write(results: Results, path: Path = DRAWING) -> None:
    """Draw the chart if the requests on SQLite have been measured."""
    if "sqlite" in results.parts:
        path.write_text(drawing(results))


def drawing(results: Results) -> str:
    part = results.parts["sqlite"]
    rows = [(row, *BARS[name]) for name in BARS if (row := part.row(name))]
    most = max(row.median for row, _, _ in rows)
    height = TOP + ROW_HEIGHT * len(rows) + 12
    cores = results.machine.get("cores", "?")
    conditions = f"{cores} cores, which the load shares; two server processes; SQLite; {part.date}"
    words = ", ".join(f"{label} {number(row.median)}" for row, label, _ in rows)
    bars = "".join(bar(place, row, label, kind, most) for place, (row, label, kind) in enumerate(rows))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"
  aria-labelledby="title what">
  <title id="title">Requests per second</title>
  <desc id="what">{escape(words)}.</desc>
  <style>{STYLE}  </style>
  <rect class="page" width="{WIDTH}" height="{height}" rx="6"/>
  <text class="title" x="16" y="28">Requests per second</text>
  <text class="quiet" x="16" y="48">{conditions}</text>
{bars}</svg>
"""


def bar(place: int, row: Row, label: str, kind: str, most: float) -> str:
    y = TOP + ROW_HEIGHT * place
    length = max(2.0, LONGEST_BAR * row.median / most)
    return (
        f'  <text x="{LABELS - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>\n'
        f'  <rect class="{kind}" x="{LABELS}" y="{y}" width="{length:.1f}" height="20" rx="2"/>\n'
        f'  <text class="quiet" x="{LABELS + length + 8:.1f}" y="{y + 15}">{number(row.median)}</text>\n'
    )
