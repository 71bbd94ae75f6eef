"""Sentences that tell the owner why a comment was held."""

from __future__ import annotations

from blogapp.text.i18n import gettext, ngettext, number


def reason_sentence(sign: str, detail: str) -> str:
    """The sentence for a sign of spam (`spam.POINTS`) and its detail."""
    count = int(detail) if detail.isascii() and detail.isdigit() else 0
    sentences = {
        "trap": lambda: gettext("The hidden field is filled in. Password managers sometimes do that, too."),
        "links": lambda: ngettext("%(number)s link", "%(number)s links", count),
        "copy": lambda: gettext("Somebody else has posted the same text on this article, or you have removed it."),
        "repeated": lambda: gettext("The same text was posted on other articles."),
        "fast": lambda: ngettext(
            "Posted %(number)s second after another comment from the same network",
            "Posted %(number)s seconds after another comment from the same network",
            count,
        ),
        "scripts": lambda: gettext("Words mix different alphabets: %(detail)s"),
        "words": lambda: gettext("Resembles comments that you have marked as spam: %(detail)s"),
        "listed": lambda: gettext("On your list: %(detail)s"),
        "policy": lambda: (
            gettext("All comments await approval.")
            if detail == "all"
            else gettext("Comments of new commenters await approval.")
        ),
    }
    return sentences[sign]() % {"number": number(count), "detail": detail} if sign in sentences else ""
