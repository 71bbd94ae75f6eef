"""Languages: which one a page speaks, its messages, plurals, numbers and dates.

A page speaks its article's language, every other page SITE_LOCALE: never the visitor's, so that all readers get the
same bytes and any cache may keep them. Messages are gettext catalogues in `translations/`, read as text at the
start: there is no compile step to forget.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, current_app, has_request_context, request

from blogapp.text import markup

# Kept with the request and not in `g`, which lives as long as an application context and may serve several.
LOCALE = "blogapp.locale"
TRANSLATIONS = Path(__file__).parent.parent / "translations"


def init_app(app: Flask, site_locale: str) -> None:
    app.config["SITE_LOCALE"] = site_locale
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext
    )
    app.jinja_env.globals["locale"] = current_locale
    app.jinja_env.globals["plural_forms"] = plural_forms
    app.jinja_env.globals["text_direction"] = text_direction
    app.jinja_env.globals["speak"] = speak_in_template
    app.jinja_env.filters.update(
        number=number, day=day, moment=moment, iso=iso, typeset=typeset, trusted=markup.trusted
    )


def speak(locale: str) -> None:
    """From here on this request answers in `locale`."""
    request.environ[LOCALE] = locale


def speak_in_template(locale: str | None) -> str:
    """For a part in another language (the card of a French article on an English page); None goes back."""
    request.environ[LOCALE] = locale or current_app.config["SITE_LOCALE"]
    return ""


def current_locale() -> str:
    if has_request_context() and LOCALE in request.environ:
        return str(request.environ[LOCALE])
    return str(current_app.config["SITE_LOCALE"])


def text_direction() -> str:
    """`ltr` or `rtl`, as the current language is written."""
    return Locale.parse(current_locale()).text_direction


@cache
def catalogue(locale: str) -> NullTranslations:
    """The messages of `locale`; English is the language of the source and has no file."""
    path = TRANSLATIONS / f"{locale}.po"
    if not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return Translations(compiled)


def gettext(message: str) -> str:
    return catalogue(current_locale()).gettext(message)


def ngettext(singular: str, plural: str, count: int) -> str:
    return catalogue(current_locale()).ngettext(singular, plural, count)


def plural_forms(singular: str, plural: str) -> dict[str, str]:
    """The sentence for each plural category of the current language (CLDR: one, two, few, many, other), for a count
    that only the browser knows. `%(number)s` is where it goes."""
    return _plural_forms(current_locale(), singular, plural)


@cache
def _plural_forms(locale: str, singular: str, plural: str) -> dict[str, str]:
    rule = Locale.parse(locale).plural_form
    samples = {rule(count): catalogue(locale).ngettext(singular, plural, count) for count in range(1000, -1, -1)}
    return {category: samples[category] for category in sorted(samples)}


def pgettext(context: str, message: str) -> str:
    return str(catalogue(current_locale()).pgettext(context, message))


def number(value: int) -> str:
    """A count as people write it: 1,234 or 1 234 with its narrow no-break space."""
    return format_decimal(value, locale=current_locale())


def day(value: date) -> str:
    """A date in full: 23 novembre 2026."""
    return format_date(value, format="long", locale=current_locale())


def moment(value: datetime) -> str:
    """A moment as a reader can place it, its zone named, since a page is the same for readers everywhere."""
    return format_datetime(value, format=_moment_format(current_locale()), locale=current_locale())


def iso(value: datetime) -> str:
    """For `time[datetime]`: 2026-11-23T09:30:00Z."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def typeset(title: str) -> str:
    """A title or summary with the spaces of its language; the text itself is kept as its author wrote it."""
    return markup.french_spaces(title) if current_locale() == "fr" else title


@cache
def _moment_format(locale: str) -> str:
    pattern = Locale.parse(locale).datetime_formats["medium"]
    days = Locale.parse(locale).date_formats["long"].pattern
    return str(pattern).replace("{1}", days).replace("{0}", "HH:mm 'UTC'")
