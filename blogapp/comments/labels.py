"""Names of commenters, and texts that contain them, as a page displays them."""

from __future__ import annotations

from babel.lists import format_list
from flask import Flask

from blogapp.comments.models import Comment
from blogapp.comments.threads import Node
from blogapp.text.i18n import current_locale, gettext, ngettext, number

NAMES = 3


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        displayed_name=displayed_name,
        like_label=like_label,
        reply_author_names=reply_author_names,
        reply_label=reply_label,
    )


def displayed_name(comment: Comment) -> str:
    """The name of a comment's author, or what stands for it if readers may not see it."""
    return comment.author_name if comment.is_published else gettext("a hidden comment")


def reply_label(comment: Comment) -> str:
    """What a screen reader says for the link "Reply"."""
    return gettext("Reply to %(name)s") % {"name": comment.author_name}


def like_label(comment: Comment) -> str:
    """What a screen reader says for the like button."""
    sentence = ngettext(
        "Like the comment by %(name)s, %(number)s like",
        "Like the comment by %(name)s, %(number)s likes",
        comment.like_count,
    )
    return sentence % {"name": comment.author_name, "number": number(comment.like_count)}


def reply_author_names(node: Node) -> str:
    """Who replied in a thread, for its summary: up to three names, and "others" if there are more."""
    # Each name is isolated (Unicode Standard Annex 9), so that a right-to-left name does not reverse the list.
    authors = node.reply_authors
    names = [f"\N{FIRST STRONG ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}" for name in authors[:NAMES]]
    if names and (len(authors) > NAMES or node.hidden_replies):
        names.append(gettext("others"))
    return format_list(names, locale=current_locale())
