"""Crawlers are found with the same result as by the package that lists them."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import crawleruseragents
import fake_useragent
import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from blogapp.view_counts.crawlers import Patterns, crawler_patterns, is_crawler

PATTERNS = [entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA]
CRAWLERS = [agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]]
BROWSERS = [
    json.loads(line)["useragent"]
    for line in (Path(fake_useragent.__file__).parent / "data" / "browsers.jsonl").read_text().splitlines()
]


def test_every_example_of_the_package_and_every_browser_has_the_same_result() -> None:
    agents = ["", "x", "ab", *PATTERNS, *CRAWLERS, *BROWSERS]
    assert [is_crawler(agent) for agent in agents] == [crawleruseragents.is_crawler(agent) for agent in agents]


def test_parts_of_user_agents_in_another_order_have_the_same_result() -> None:
    chance = random.Random(1504)
    results = []
    for _ in range(4000):
        agent = "".join(part_of(chance.choice((*CRAWLERS, *BROWSERS, *PATTERNS)), chance) for _ in range(3))
        results.append(is_crawler(agent))
        assert results[-1] == crawleruseragents.is_crawler(agent), agent
    assert len(set(results)) == 2


def part_of(text: str, chance: random.Random) -> str:
    start, end = sorted(chance.choices(range(len(text) + 1), k=2))
    return text[start:end]


@pytest.mark.parametrize(
    "pattern",
    [
        "bot",
        "b",
        "B\\/1\\.0",
        "A\\\\B",
        "a.c",
        "^curl",
        "^a|b",
        "(^| )PTST",
        "x?yz",
        "end$",
        "a{2}",
        "[wW]get",
        "\\d\\d",
        "é-bot",
    ],
)
def test_pattern_matches_as_in_re(pattern: str) -> None:
    patterns = Patterns([pattern])
    texts = [
        "",
        "b",
        "a bot",
        "B/1.0",
        "A\\B",
        "A\\\\B",
        "abc",
        "curl",
        "a curl",
        "xb",
        "a PTST",
        "yz",
        "the end",
        "end.",
    ]
    texts += ["aa", "a{2}", "Wget", "12", "an é-bot", "^curl", "a.c", "x?yz"]
    assert [patterns.search(text) for text in texts] == [bool(re.search(pattern, text)) for text in texts]


def test_without_patterns_nothing_is_found() -> None:
    assert not Patterns([]).search("curl")


def test_nearly_all_patterns_of_the_package_are_looked_up() -> None:
    assert sum(map(len, crawler_patterns()._plain.values())) > 0.95 * len(PATTERNS)
