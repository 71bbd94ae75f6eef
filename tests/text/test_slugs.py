"""Slugs made from titles."""

from __future__ import annotations

import pytest

from blogapp.text.slugs import is_slug, slug_from


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("L'été, un ex æquo", "l-ete-un-ex-aequo"),
        ("L’été – une — histoire/suite", "l-ete-une-histoire-suite"),
        ("Œuvre, Straße, Łódź, Đorđe, København", "oeuvre-strasse-lodz-dorde-kobenhavn"),
        ("C++", "c"),
        ("100 % pur", "100-pur"),
        ("你好世界", "ni-hao-shi-jie"),
        ("Привет, мир", "privet-mir"),
        ("☕🎉", ""),
        ("???", ""),
        ("a" * 300, "a" * 200),
        ("&amp; co", "amp-co"),
    ],
)
def test_slug_is_made_from_the_title(title: str, slug: str) -> None:
    assert slug_from(title) == slug


@pytest.mark.parametrize("title", ["שלום עולם", "مرحبا بالعالم", "日本語のタイトル", "Ελληνικά", "हिन्दी", "ไทย"])
def test_titles_in_any_script_get_a_valid_slug(title: str) -> None:
    assert is_slug(slug_from(title))


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "é", "a_b", "a/b", "a" * 201, "a\n"])
def test_invalid_slug_is_detected(text: str) -> None:
    assert not is_slug(text)
