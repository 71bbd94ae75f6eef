"""Messages that say what an owner's press has done."""

from __future__ import annotations

from collections.abc import Callable

from blogapp.comments.models import APPROVE, ERASE, MARK_AS_SPAM, REMOVE, RESTORE
from blogapp.text.i18n import gettext, ngettext, number

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

# What a press has done, by the code in the address of the page that follows it (`?notice=`): of forms that load a page,
# and of all others without JavaScript.
NOTICES: dict[str, Callable[[], str]] = {
    "banned": lambda: gettext("The author of the comment is banned."),
    "lifted": lambda: gettext("The ban is lifted."),
    "saved": lambda: gettext("Your changes are saved."),
    "undone": lambda: undone_sentence(),
    "locked": lambda: gettext("The thread is locked."),
    "unlocked": lambda: gettext("The thread is no longer locked."),
    "pinned": lambda: gettext("The thread is pinned."),
    "unpinned": lambda: gettext("The thread is no longer pinned."),
}
# The same on an open page, where the thread keeps its place.
NOTICES_IN_PLACE: dict[str, Callable[[], str]] = NOTICES | {
    "pinned": lambda: gettext("The thread is pinned. It will be at the top when the page is loaded again."),
    "unpinned": lambda: gettext(
        "The thread is no longer pinned. It will be back in its place when the page is loaded again."
    ),
}


def done_sentence(act: str, count: int = 1) -> str:
    """What was done to `count` comments."""
    return SENTENCES[act](count) % {"number": number(count)}


def undone_sentence(count: int = 1) -> str:
    """That what was done to `count` comments is undone."""
    return ngettext("Undone.", "Undone for %(number)s comments.", count) % {"number": number(count)}


def notice_sentence(code: str) -> str:
    """The message for the code of a notice, empty if there is none."""
    return NOTICES[code]() if code in NOTICES else ""
