"""Where the link of a plain URL in a text ends."""

from __future__ import annotations

import re

import pytest

from blogapp.text import markup

ADDRESS = "https://example.org/a"


def links_in(text: str) -> list[str]:
    return re.findall(r"<a [^>]*>([^<]*)</a>", markup.render_comment(text, "en"))


@pytest.mark.parametrize(
    "after",
    [*"”»…—’:“‘«›–.,?!;)]*\"'，。、！？：；）」』》】（،؛؟־׳״׃", ").", "”.", "…)", "\u200f"],
)
@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}/", "https://example.org", f"{ADDRESS}?b=c#d"])
def test_link_ends_before_closing_punctuation(address: str, after: str) -> None:
    assert links_in(f"See {address}{after} and on") == [address]
    assert links_in(f"See {address}{after}") == [address]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"“{ADDRESS}” x", ADDRESS),
        (f"«\u00a0{ADDRESS}\u00a0»", ADDRESS),
        (f"„{ADDRESS}“", ADDRESS),
        (f"見{ADDRESS}，然後看", ADDRESS),
        (f"（{ADDRESS}）然後看", ADDRESS),
        (f"*{ADDRESS}*", ADDRESS),
        (f"({ADDRESS}_(b))", f"{ADDRESS}_(b)"),
        (f"{ADDRESS}־ש", ADDRESS),
    ],
)
def test_link_ends_before_the_rest_of_the_sentence(text: str, address: str) -> None:
    assert links_in(text) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "https://fr.wikipedia.org/wiki/L’Été",
        "https://he.wikipedia.org/wiki/ארה״ב",
        "https://en.wikipedia.org/wiki/Michelson–Morley",
        "https://ja.wikipedia.org/wiki/佐々木",
        "https://example.org/~ada/a_b-c.html;d=1,2",
    ],
)
def test_punctuation_inside_a_word_is_part_of_the_link(address: str) -> None:
    assert links_in(f"See {address}.") == [address]


def test_url_without_a_host_is_not_a_link() -> None:
    assert links_in("https://… and http://” and https://") == []
