"""Languages: the locale of a page, its messages, plurals, numbers and dates.

An article's page is in the article's language, every other page in the site's. The visitor's language is not used, so
all readers get the same response and any cache may store it. Messages are gettext catalogues in `translations/`,
compiled in memory when they are first used.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, localedata
from babel.core import get_global
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import get_group_symbol
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, has_request_context, request

from blogapp.settings import LOCALES
from blogapp.text import typography

# Stored in the request's environ and not in `g`, because several requests may share an application context.
LOCALE = "blogapp.locale"
# Size of the caches of formatted numbers and days: formatting one takes 20 to 60 µs, and a page has a hundred.
KEPT = 2_000
# Tables of Babel's data for units and currencies: most of the 1.1 MB that a language takes.
UNUSED_TABLES = (
    "compact_currency_formats",
    "compact_decimal_formats",
    "currency_names",
    "currency_names_plural",
    "currency_unit_patterns",
    "unit_display_names",
    "unit_patterns",
    "compound_unit_patterns",
)
TRANSLATIONS = Path(__file__).parent.parent / "translations"


def init_app(
    app: Flask, site_locale: Callable[[], str], is_typeset: Callable[[], bool], zone: Callable[[], ZoneInfo]
) -> None:
    """`site_locale` returns the language of pages that have none of their own; `is_typeset`, whether titles get the
    typography of their language; `zone`, the time zone of the site."""
    app.extensions["site_zone"] = zone
    app.extensions["is_typeset"] = is_typeset
    app.extensions["site_locale"] = site_locale
    app.jinja_env.add_extension("jinja2.ext.i18n")
    environment: Any = app.jinja_env  # the extension adds a method
    environment.install_gettext_callables(gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext)
    app.jinja_env.globals["locale"] = current_locale
    app.jinja_env.globals["language_name"] = language_name
    app.jinja_env.globals["plural_forms"] = plural_forms
    app.jinja_env.globals["text_direction"] = text_direction
    app.jinja_env.globals["locale_with_territory"] = locale_with_territory
    app.jinja_env.globals["set_locale"] = set_locale_in_template
    app.jinja_env.filters.update(
        number=number,
        day=day,
        month=month,
        iso=iso,
        typeset=typeset,
        local=local,
        local_moment=local_moment,
        local_time=local_time,
    )


def preload(locale: str) -> None:
    """Load what pages in a language need, and Babel's data of all languages, without what no page needs. A server does
    so before it forks: its workers then share the data."""
    common = _without_unused_tables(localedata.load("root"))
    for each in LOCALES:
        # As Babel merges them, but without the unused tables, which would take most of the time.
        data = localedata.load(each, merge_inherited=False)
        own = _without_unused_tables(data)
        data.clear()
        data.update(common)
        localedata.merge(data, own)
    catalogue(locale)
    number_in(locale, 0)
    moment_in(locale, ZoneInfo("UTC"), datetime(2026, 1, 1, tzinfo=UTC))


def _without_unused_tables(data: dict[str, Any]) -> dict[str, Any]:
    return {name: table for name, table in data.items() if name not in UNUSED_TABLES}


def set_locale(locale: str) -> None:
    """Use `locale` for the rest of this request."""
    request.environ[LOCALE] = locale


def set_locale_in_template(locale: str | None) -> str:
    """Use `locale` for a part of a page, such as the card of a French article on an English page; None resets it."""
    request.environ[LOCALE] = locale or site_locale()
    return ""


def current_locale() -> str:
    locale = request.environ.get(LOCALE) if has_request_context() else None
    return str(locale) if locale else site_locale()


def site_locale() -> str:
    """The language of the front page and of all pages that have none of their own."""
    found: str = current_app.extensions["site_locale"]()
    return found


def text_direction() -> str:
    """Return the writing direction of the current language: `ltr` or `rtl`."""
    return _direction(current_locale())


@cache
def _direction(locale: str) -> str:
    return Locale.parse(locale).text_direction


def locale_with_territory() -> str:
    """The current language with its most likely country, as Open Graph asks for: fr_FR."""
    return _with_territory(current_locale())


@cache
def _with_territory(locale: str) -> str:
    likely = Locale.parse(get_global("likely_subtags").get(locale, locale))
    return f"{likely.language}_{likely.territory}" if likely.territory else likely.language


@cache
def language_name(locale: str) -> str:
    """The name of a language in that language: English, français."""
    return Locale.parse(locale).get_display_name() or locale


@cache
def catalogue(locale: str) -> NullTranslations:
    """Return the messages of `locale`. English is the source language and has no file."""
    path = TRANSLATIONS / f"{locale}.po"
    if not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return Translations(compiled)


def N_(message: str) -> str:
    """Mark a message that is translated later, so that `make translations` finds it."""
    return message


def gettext(message: str) -> str:
    return catalogue(current_locale()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    return catalogue(current_locale()).ngettext(singular, plural, count)


def plural_forms(singular: str, plural: str) -> dict[str, str]:
    """Return the message for each plural category of the current language (CLDR: one, two, few, many, other), for a
    count that only the browser knows. `%(number)s` is its placeholder."""
    return _plural_forms(current_locale(), singular, plural)


@cache
def _plural_forms(locale: str, singular: str, plural: str) -> dict[str, str]:
    rule = Locale.parse(locale).plural_form
    samples = {rule(count): catalogue(locale).ngettext(singular, plural, count) for count in range(1000, -1, -1)}
    return {category: samples[category] for category in sorted(samples)}


def pgettext(context: str, message: str) -> str:
    return str(catalogue(current_locale()).pgettext(context, message))


def npgettext(context: str, singular: str, plural: str, count: int) -> str:
    return str(catalogue(current_locale()).npgettext(context, singular, plural, count))


def number(value: int) -> str:
    """Format a count: 1,234, or 1 234 with a narrow no-break space."""
    return number_in(current_locale(), value)


@lru_cache(KEPT)
def number_in(locale: str, value: int) -> str:
    """Format a count in `locale`."""
    # As Babel's `format_decimal`, which takes thirty times as long: all our languages separate groups of three digits.
    return f"{value:,}".replace(",", _group_separator(locale))


@cache
def _group_separator(locale: str) -> str:
    return get_group_symbol(locale)


def site_zone() -> ZoneInfo:
    """The time zone of the site."""
    zone: ZoneInfo = current_app.extensions["site_zone"]()
    return zone


def local(value: datetime) -> datetime:
    """The same time on the clocks of the site."""
    return value.astimezone(site_zone())


def day(value: date) -> str:
    """Format a date in full: 23 novembre 2026. Of a time, the date in the time zone of the site."""
    value = local(value) if isinstance(value, datetime) else value
    return _day(value.year, value.month, value.day, current_locale())


def month(value: date) -> str:
    """Format the month of a date: novembre 2026. Of a time, the month in the time zone of the site."""
    value = local(value) if isinstance(value, datetime) else value
    return format_skeleton("yMMMM", date(value.year, value.month, 1), locale=current_locale())


def local_moment(value: datetime, zone: ZoneInfo | None = None) -> str:
    """Format a date and time on the clocks of `zone`, by default the site's: 23 November 2026, 09:30."""
    return moment_in(current_locale(), zone or site_zone(), value)


def moment_in(locale: str, zone: ZoneInfo, value: datetime) -> str:
    """Format a date and time in `locale` on the clocks of `zone`."""
    shown = value.astimezone(zone)
    return _moment_format(locale).format(f"{shown:%H:%M}", _day(shown.year, shown.month, shown.day, locale))


def local_time(value: datetime, zone: ZoneInfo) -> str:
    """Format a time of day on the clocks of `zone`: 09:30."""
    return f"{value.astimezone(zone):%H:%M}"


def iso(value: datetime) -> str:
    """Format a time for `time[datetime]`: 2026-11-23T09:30:00Z."""
    return f"{value.isoformat()[:19]}Z"


def typeset(title: str, locale: str | None = None) -> str:
    """Return a title or summary with the typography of its language (default: the current one), if the site has it. The
    stored text is not changed."""
    is_typeset = title and current_app.extensions["is_typeset"]()
    return typography.typeset(title, locale or current_locale()) if is_typeset else title


@lru_cache(KEPT)
def _day(year: int, month: int, day: int, locale: str) -> str:
    formatted = format_date(date(year, month, day), format="long", locale=locale)
    # French writes the first of a month as an ordinal, which the data of Babel lacks.
    return formatted.replace("1", "1er", 1) if day == 1 and locale == "fr" else formatted


@cache
def _moment_format(locale: str) -> str:
    """The locale's pattern for a time, {0}, and a day, {1}."""
    return str(Locale.parse(locale).datetime_formats["medium"]).replace("'", "")
