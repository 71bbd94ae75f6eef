"""A cache of the HTML of comments that is the same for all readers, so that a page renders only its changed comments.

The cache key contains every value that the HTML displays, so entries are never stale. The entries of edited and deleted
comments are no longer requested; the least recently used entries are evicted first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any

from flask import Flask

from blogapp.comments.threads import Node
from blogapp.text.i18n import current_locale

ROOM = 2_000_000  # characters; about a thousand comments
OVERHEAD = 1_000  # size of an entry besides its texts


class Fragments:
    """An LRU cache of rendered comments; `room` is its maximum size in characters."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._size = 0
        self._found: OrderedDict[tuple[Any, ...], str] = OrderedDict()
        self._lock = Lock()

    @property
    def size(self) -> int:
        """The size of all entries, in characters."""
        return self._size

    def html(self, page: tuple[object, ...], render: Callable[[Node], str], node: Node) -> str:
        """The cached HTML of a comment; if there is none, `render` is called and its result cached. `page` is the part
        of the key that does not depend on the comment."""
        key = (*page, *shown_values(node))
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        html = render(node)
        with self._lock:
            if key not in self._found:
                self._found[key] = html
                self._size += _cost(key, html)
                while self._size > self._room:
                    self._size -= _cost(*self._found.popitem(last=False))
        return html


def init_app(app: Flask) -> None:
    fragments = Fragments()

    def cached_html(is_closed: bool, base: str) -> Callable[[Callable[[Node], str], Node], str]:
        return partial(fragments.html, (current_locale(), bool(is_closed), base))

    app.jinja_env.globals["cached_html"] = cached_html


def shown_values(node: Node) -> tuple[Any, ...]:
    """Every value of a comment and its parent that readers see in its HTML."""
    comment, answers = node.comment, node.answers
    return (
        comment.id,
        comment.parent_id,
        comment.status,
        comment.author_name,
        comment.author_url,
        comment.by_owner,
        comment.created_at,
        comment.edited_at,
        comment.edited_by,
        comment.body_html,
        comment.like_count,
        comment.is_locked,
        (answers.id, answers.status, answers.author_name) if answers else None,
    )


def _cost(key: tuple[Any, ...], html: str) -> int:
    return len(html) + sum(len(value) for value in key if isinstance(value, str)) + OVERHEAD
