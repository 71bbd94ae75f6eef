"""Measure the rendering of the slowest comments of the maximum length, in milliseconds."""

from __future__ import annotations

import time

from blogapp.comments.forms import BODY_LENGTH
from blogapp.text.markup import render_comment

PATTERNS = {
    "[": "[",
    "(": "(",
    "![": "![",
    "> ": "> ",
    "- ": "- ",
    "*a **a ": "*a **a ",
    "backticks": "`",
    "<": "<",
    "[a](": "[a](",
    "](": "](",
    "~~": "~~",
    "_a ": "_a ",
    "http://a.": "http://a.",
    "a@b.": "a@b.",
    "*_~`[": "*_~`[",
    "&amp;": "&amp;",
    "lines": "a\n",
    "quoted lines": "> a\n",
    "list lines": "- a\n",
    "fences": "```\n",
    "emoji": "😀",
}


def measure() -> list[tuple[str, float]]:
    """Return the milliseconds of each pattern, the best of three runs, slowest pattern first."""
    texts = {name: (pattern * BODY_LENGTH)[:BODY_LENGTH] for name, pattern in PATTERNS.items()}
    texts["nested list"] = "".join("  " * depth + "- a\n" for depth in range(80))[:BODY_LENGTH]
    texts["nested quotes"] = "".join("> " * depth + "a\n" for depth in range(60))[:BODY_LENGTH]
    return sorted(((name, _best(text)) for name, text in texts.items()), key=lambda row: -row[1])


def _best(text: str) -> float:
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        render_comment(text, "fr")
        times.append((time.perf_counter() - begin) * 1000)
    return min(times)


def table() -> str:
    rows = "\n".join(f"| `{name}` | {milliseconds:.0f} |" for name, milliseconds in measure())
    return f"| 5,000 characters of | ms |\n|---|---:|\n{rows}\n"
