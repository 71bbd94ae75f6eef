"""Every catalogue translates every message, with the same placeholders, and has no unused message."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale, localedata
from babel.lists import format_list
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from blogapp import settings
from blogapp.text import i18n
from blogapp.text.i18n import TRANSLATIONS

ROOT = Path(__file__).parent.parent.parent
SENTENCE = re.compile(r"\{% trans\b.*?\{% endtrans %\}", re.DOTALL)
METHODS = [("blogapp/**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS = {"templates/**.html": {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true"}}


def strings_of(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string or ())


def is_ours(folder: str) -> bool:
    return not Path(folder).name.startswith(".")


def messages_in_the_source() -> set[str | tuple[str, ...]]:
    keywords = {**DEFAULT_KEYWORDS, "plural_forms": (1, 2)}
    found = extract_from_dir(ROOT, METHODS, OPTIONS, keywords, directory_filter=is_ours)
    return {message for _, _, message, _, _ in found}


def test_catalogues_have_exactly_the_messages_of_the_source() -> None:
    source = messages_in_the_source()
    assert len(source) > 50
    for locale in (each for each in settings.LOCALES if each != "en"):
        catalogue = read_po(BytesIO((TRANSLATIONS / f"{locale}.po").read_bytes()), locale=locale)
        known = {message.id: message for message in catalogue if message.id}
        assert set(known) == source, locale
        for message in known.values():
            assert not message.fuzzy
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            strings = strings_of(message)
            assert all(strings)
            assert message.python_format is False or len(strings) >= len(ids)
            for string in strings:
                assert set(re.findall(r"%\(\w+\)s", string)) <= set(re.findall(r"%\(\w+\)s", ids[-1]))
                assert set(re.findall(r"</?\w+", string)) == set(re.findall(r"</?\w+", ids[0]))


def test_french_has_no_breaking_space_before_punctuation() -> None:
    catalogue = read_po(BytesIO((TRANSLATIONS / "fr.po").read_bytes()), locale="fr")
    for message in catalogue:
        strings = strings_of(message)
        for string in strings if message.id else []:
            assert not re.search(r" [:;!?»]|« ", string), string


def test_templates_leave_the_colon_after_a_value_to_the_translation() -> None:
    """French has a space before it, which must not break."""
    found = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "templates").rglob("*.html")
        if (lines := re.findall(r".*\}\}(?:</\w+>)*:(?:[ <]|$).*", SENTENCE.sub("", path.read_text()), re.MULTILINE))
    }
    assert found == {}


def test_french_has_no_word_before_a_name_that_would_have_to_elide() -> None:
    # "de %(name)s" would have to become "d’Élodie".
    catalogue = read_po(BytesIO((TRANSLATIONS / "fr.po").read_bytes()), locale="fr")
    # No number or date begins with a vowel that needs it: "de 11", "le 8".
    numbers = {"characters", "count", "date", "length", "minutes", "most", "number"}
    elided = re.compile(r"(?i)\b(?:[cdjlmnst]e|la|si|(?:\w+s)?que)[ \u00a0]+(?:<[^>]*>)?%\((\w+)\)")
    assert elided.findall("en tant que %(name)s, de <a>%(who)s") == ["name", "who"]
    for message in catalogue:
        for string in strings_of(message) if message.id else []:
            assert set(elided.findall(string)) <= numbers, string


@pytest.mark.parametrize("locale", settings.LOCALES)
def test_preloaded_data_has_what_pages_need(locale: str) -> None:
    """A server drops Babel's data that no page needs."""
    i18n.preload(locale)
    moment = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
    assert "2026" in i18n.moment_in(locale, ZoneInfo("UTC"), moment)
    assert i18n.number_in(locale, 12)
    assert Locale.parse(locale).get_display_name()
    assert format_list(["a", "b"], locale=locale)
    assert "compact_decimal_formats" not in localedata.load(locale)
