"""Cleaning of names and comment texts."""

from __future__ import annotations

import unicodedata

import pytest

from blogapp.text.names import clean_body, clean_name, is_blank


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Zoe\u0301", "Zoé"),
        ("A\u202eda", "Ada"),
        ("A\u200bd\u200da\ufeff", "Ada"),
        ("Ada\n\tL\x00", "Ada L"),
        ("e" + "\u0323" * 10, "ẹ" + "\u0323" * 3),
        ("\u0301\u0301", ""),
        ("\u3164\u2800", ""),
        ("שרה כהן", "שרה כהן"),
        ("李小龙", "李小龙"),
        ("😀", "😀"),
    ],
)
def test_name_is_cleaned(typed: str, name: str) -> None:
    assert clean_name(typed) == name
    assert unicodedata.is_normalized("NFC", clean_name(typed))


@pytest.mark.parametrize(
    "text", ["", "  \n\t ", "\u200b\u200d", "\u3164", "\u00a0\u2003", "\u2800", "\u00ad", "\ufe0f", "\u115f"]
)
def test_invisible_text_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", ".", "😀", "ש", "1"])
def test_visible_text_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_comment_text_loses_only_control_characters_and_outer_blank_lines() -> None:
    assert clean_body("\r\n  a\r\nb\rc\x00\x1b\t😀 👩‍👩‍👧  \n") == "  a\nb\nc\t😀 👩‍👩‍👧"
