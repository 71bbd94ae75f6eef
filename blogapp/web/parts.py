"""Parts of a page that are the same for all readers until everything changes, rendered once: in a template,
`{% call kept("tags", article.id) %}…{% endcall %}`.

What such a part shows may depend on the arguments of `kept`, on the language, on the address of the site, and on what
only changes with the content version EVERYTHING (`db/query_cache.py`): the article, the settings, the names of the
owners. It may not depend on the visitor, on comments, views and the rest of the request, or on the time, which reveals
scheduled articles, unless the arguments say so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

from flask import request
from sqlalchemy.orm import Session

from blogapp.db.query_cache import cached_results
from blogapp.text.i18n import current_locale


class Keep(Protocol):
    def __call__(self, *key: Hashable, caller: Callable[[], str]) -> str: ...


def keeper(session: Session) -> Keep:
    """The function `kept` of a page that is read in the session's snapshot. It returns the HTML that `caller` renders,
    from memory if it was rendered before; `key` begins with the part's name. Call this when the language is set."""
    place = ("part", current_locale(), request.root_url)
    cached = cached_results(session)

    def kept(*key: Hashable, caller: Callable[[], str]) -> str:
        html: str = cached((*place, *key), caller)
        return html

    return kept
