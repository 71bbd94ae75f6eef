"""Articles and titles get the quotation marks, dashes and spaces of their language."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from blogapp.text import markup
from blogapp.text.typography import typeset


def words(source: str, lang: str, is_typeset: bool = True) -> str:
    """The text of a rendered article, with visible signs for its no-break spaces."""
    shown = markup.plain_text(markup.render_article(source, lang, is_typeset=is_typeset))
    return shown.replace("\N{NO-BREAK SPACE}", "~").replace("\N{NARROW NO-BREAK SPACE}", "_")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("\"Hello,\" she said. 'Yes.'", "“Hello,” she said. ‘Yes.’"),
        ('"He said \'no\'" ("really")', "“He said ‘no’” (“really”)"),
        ("don't, the birds' song, the '90s, rock 'n' roll", "don’t, the birds’ song, the ’90s, rock ’n’ roll"),
        ('*"a"* "*b*"', "“a” “b”"),
        ("a -- b, 1999--2004, well---no...", "a – b, 1999–2004, well—no…"),
        ("--option ---- a.... ../... 3:4 12:30", "--option ---- a.... ../... 3:4 12:30"),
        ("6'2\" and 5'", "6′2″ and 5’"),
        ('one \\"escaped\\"', 'one "escaped"'),
        ("https://example.org/a--b?c='d'e www.x.org/--/", "https://example.org/a--b?c='d'e www.x.org/--/"),
        ('`a "b" -- c` <code>"d"</code> "e"', 'a "b" -- c "d" “e”'),
        ('```\n"a" -- ...\n```', '"a" -- ...'),
        ("Really ?", "Really ?"),
    ],
)
def test_english_texts_are_typeset(source: str, shown: str) -> None:
    assert words(source, "en") == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('"bonjour"', "«~bonjour~»"),
        ("l'été d'abord", "l’été d’abord"),
        ("\"il dit 'non'\"", "«~il dit “non”~»"),
        ("Vraiment ? Oui ! Donc ; ici : là", "Vraiment_? Oui_! Donc_; ici~: là"),
        ("« oui » «non» «*peut-être*»", "«~oui~» «~non~» «~peut-être~»"),
        ("12:30, 3:4, https://example.org/a;b!", "12:30, 3:4, https://example.org/a;b!"),
        ("`a ; b` -- oui...", "a ; b – oui…"),
        ("50 % de 1 500 € à 20 °C, 12 345 678 francs", "50~% de 1_500~€ à 20~°C, 12_345_678 francs"),
        ("en 2020 300 personnes, 01 44 55 66 77, `1 500 %`", "en 2020 300 personnes, 01 44 55 66 77, 1 500 %"),
    ],
)
def test_french_texts_are_typeset(source: str, shown: str) -> None:
    assert words(source, "fr") == shown


@pytest.mark.parametrize("lang", ["he", "de"])
def test_other_languages_stay_as_typed(lang: str) -> None:
    source = '"a" -- d\'b... ארה"ב'
    assert words(source, lang) == typeset(source, lang) == source


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_texts_stay_as_typed_without_the_setting(lang: str) -> None:
    source = '"a" -- d\'b... ici ?'
    assert words(source, lang, is_typeset=False) == source
    assert markup.words_before_more(f"{source}\n\n<!--more-->", lang, is_typeset=False) == source


def test_attributes_and_ids_stay_as_typed() -> None:
    rendered = markup.render_article(
        '## Don\'t -- "x"\n\n[a](/a--b "it\'s")\n\n<p><abbr title="it\'s --">x</abbr></p>', "en"
    )
    assert 'id="dont----x"' in rendered
    assert 'href="/a--b" title="it\'s"' in rendered
    assert 'title="it\'s --"' in rendered


def test_captions_are_typeset() -> None:
    assert "<figcaption>It’s</figcaption>" in markup.render_article('![a](/static/icon.svg "It\'s")', "en")


def test_comments_keep_their_quotation_marks() -> None:
    assert '"it\'s" -- ok...' in markup.render_comment('"it\'s" -- ok...', "en")


def test_titles_are_typeset() -> None:
    assert typeset('L\'été "chaud" ?', "fr") == "L’été «\u00a0chaud\u00a0»\u202f?"
    assert typeset("<b> & 'x'", "en") == "<b> & ‘x’"


def test_typesetting_again_changes_nothing() -> None:
    for lang in ("en", "fr"):
        once = typeset("\"It's\" -- l'été ? «oui»... 'x'", lang)
        assert typeset(once, lang) == once


HOSTILE = [
    '"' * 10_000, "\"'" * 5_000, '"a ' * 10_000, "\"'a " * 5_000, "'a " * 900 + 'b" ' * 100, '*"a ' * 5_000,
    "-" * 10_000, "." * 10_000, "«" * 10_000, "6'2" * 5_000, "- -- " * 3_000, "http://" * 2_000, " :" * 5_000,
]  # fmt: skip
TYPESET_ALL = """
import json, sys
from blogapp.text import markup, typography
for source in json.load(sys.stdin):
    for lang in ("en", "fr"):
        markup.render_article(source, lang)
        typography.typeset(source, lang)
"""


def test_hostile_text_does_not_hang_the_typography() -> None:
    # All texts together take some seconds. Pairing 10,000 quotation marks would take minutes.
    subprocess.run([sys.executable, "-c", TYPESET_ALL], input=json.dumps(HOSTILE), text=True, check=True, timeout=120)
