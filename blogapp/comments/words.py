"""Translated texts that a page repeats for each comment, looked up once per page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from babel.lists import format_list
from flask import Flask

from blogapp.comments.models import AnyComment
from blogapp.comments.reasons import reason_sentence
from blogapp.comments.threads import Node
from blogapp.text.i18n import current_locale, gettext, moment_in, ngettext, number_in, site_zone

NAMES = 3


def init_app(app: Flask) -> None:
    app.jinja_env.globals["comment_words"] = Words
    app.jinja_env.globals["reason_sentence"] = reason_sentence


class Words:
    """The texts in the language of the current request."""

    def __init__(self) -> None:
        self._locale = current_locale()
        self._reply_to = gettext("Reply to %(name)s")
        self._likes: dict[int, str] = {}
        self.reply = gettext("Reply")
        self.moment: Callable[[datetime], str] = partial(moment_in, self._locale, site_zone())
        self.number: Callable[[int], str] = partial(number_in, self._locale)

    def reply_to(self, name: str) -> str:
        """The accessible name of the link "Reply"."""
        return self._reply_to % {"name": name}

    def like(self, name: str, count: int) -> str:
        """The accessible name of the like button."""
        if count not in self._likes:
            self._likes[count] = ngettext(
                "Like the comment by %(name)s, %(number)s like",
                "Like the comment by %(name)s, %(number)s likes",
                count,
            )
        return self._likes[count] % {"name": name, "number": self.number(count)}

    def displayed_name(self, comment: AnyComment) -> str:
        """The name of a comment's author, or a substitute if readers may not see it."""
        return comment.author_name if comment.is_published else gettext("a hidden comment")

    def reply_author_names(self, node: Node) -> str:
        """The names of those who replied in a thread, for its summary: at most three, and "others" if there are
        more."""
        # Each name is isolated (Unicode Standard Annex 9), so that a right-to-left name does not reverse the list.
        authors = node.reply_authors
        names = [f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" for name in authors[:NAMES]]
        if names and (len(authors) > NAMES or node.hidden_replies):
            names.append(gettext("others"))
        return format_list(names, locale=self._locale)
