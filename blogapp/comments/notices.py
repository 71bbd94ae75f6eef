"""Messages that say what an owner's press has done."""

from __future__ import annotations

from collections.abc import Callable

from blogapp.comments.models import APPROVE, ERASE, MARK_AS_SPAM, REMOVE, RESTORE
from blogapp.text.i18n import ngettext, number

SENTENCES: dict[str, Callable[[int], str]] = {
    APPROVE: lambda count: ngettext("The comment is published.", "%(number)s comments are published.", count),
    MARK_AS_SPAM: lambda count: ngettext(
        "The comment is marked as spam.", "%(number)s comments are marked as spam.", count
    ),
    REMOVE: lambda count: ngettext("The comment is removed.", "%(number)s comments are removed.", count),
    RESTORE: lambda count: ngettext("The comment is restored.", "%(number)s comments are restored.", count),
    ERASE: lambda count: ngettext(
        "The comment is deleted for good.", "%(number)s comments are deleted for good.", count
    ),
}


def done_sentence(act: str, count: int = 1) -> str:
    """What was done to `count` comments."""
    return SENTENCES[act](count) % {"number": number(count)}
