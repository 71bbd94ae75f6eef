"""Slugs made from titles."""

from __future__ import annotations

import pytest

from blogapp.text.slugs import is_slug, slug_from, tag_slug


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


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Été à Paris", "ete-a-paris"),
        ("L’été", "l-ete"),
        ("C", "c"),
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        ("#python", "python"),
        ("Node.js", "node-js"),
        ("Œuvre, Straße", "oeuvre-strasse"),
        ("e\u0301te\u0301", "ete"),
        ("１２", "12"),
        ("日本語", "日本語"),
        ("ספרים", "ספרים"),
        ("हिन्दी", "हिन्दी"),
        ("Café 東京", "cafe-東京"),
        ("🐦", "1f426"),
        ("❤\ufe0f", "2764-fe0f"),
        ("--", "2d-2d"),
        ("\u200d ", ""),
        ("a" * 300, "a" * 200),
    ],
)
def test_slug_of_a_tag_keeps_different_names_apart(name: str, slug: str) -> None:
    assert tag_slug(name) == slug
    assert tag_slug(slug) == slug
