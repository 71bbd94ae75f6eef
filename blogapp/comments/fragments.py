"""A cache of the HTML of threads that is the same for all readers, so that a page renders only its changed threads.

The cache key contains every value that the HTML displays, so entries are never stale. The entries of changed threads
are no longer requested; the least recently used entries are evicted first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from operator import attrgetter
from threading import Lock
from typing import Any

from flask import Flask

from blogapp.comments.threads import Node
from blogapp.text.i18n import current_locale, site_zone

ROOM = 1_000_000  # characters; about 350 comments
OVERHEAD = 1_000  # size of an entry besides its texts, for each comment


class Fragments:
    """An LRU cache of rendered threads; `room` is its maximum size in characters."""

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
        """The cached HTML of a thread; if there is none, `render` is called and its result cached. `page` is the part
        of the key that does not depend on the thread."""
        key = (*page, *shown_values(node))
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
                return found
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

    def cached_html(render: Callable[[Node], str], is_closed: bool, *place: str) -> Callable[[Node], str]:
        return partial(fragments.html, (current_locale(), site_zone(), bool(is_closed), *place), render)

    app.jinja_env.globals["cached_html"] = cached_html
    # A call in a template costs as much as finding a thread in the cache.
    app.jinja_env.globals["each_rendered"] = map


COLUMNS = attrgetter(
    "id",
    "number",
    "parent_id",
    "root_id",
    "shown_under_id",
    "status",
    "author_name",
    "author_url",
    "by_owner",
    "created_at",
    "edited_at",
    "edited_by",
    "body_html",
    "like_count",
    "reply_count",
    "is_locked",
)


def shown_values(tree: Node) -> tuple[Any, ...]:
    """Every value that readers see in the HTML of a comment and the replies below it."""
    last = tree.last_read
    values: list[Any] = [tree.is_pinned, tree.hidden_replies, tree.replies_left, (last.id, last.path) if last else None]
    for node in tree:
        answers = node.answers
        values.append(COLUMNS(node.comment))
        values.append((answers.id, answers.status, answers.author_name) if answers else None)
    return tuple(values)


def _cost(key: tuple[Any, ...], html: str) -> int:
    parts = [part for part in key if isinstance(part, tuple)]
    return (
        len(html)
        + sum(len(value) for part in parts for value in part if isinstance(value, str))
        + OVERHEAD * max(1, len(parts))
    )
