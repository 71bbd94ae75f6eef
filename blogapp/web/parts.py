"""Parts of a page that are the same for all readers until everything changes, rendered once: in a template,
`{% call kept("neighbours", article.id) %}…{% endcall %}`.

What such a part shows may depend on the arguments of `kept`, on the language, on the address of the site, and on what
only changes with the content version EVERYTHING (`db/query_cache.py`): the article, the settings, the names of the
owners. It may not depend on the visitor, on comments, views and the rest of the request, or on the time, which reveals
scheduled articles, unless the arguments say so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from flask import Flask, request

from blogapp.db.base import db
from blogapp.db.query_cache import cached_result
from blogapp.text.i18n import current_locale


def init_app(app: Flask) -> None:
    app.jinja_env.globals["kept"] = kept


def kept(*key: Hashable, caller: Callable[[], str]) -> str:
    """The HTML that `caller` renders, from memory if it was rendered before. `key` begins with the part's name."""
    return cached_result(db.session(), ("part", current_locale(), request.root_url, *key), caller)
