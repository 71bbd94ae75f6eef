"""The privacy page. Its numbers come from the constants and settings that the code uses."""

from __future__ import annotations

from babel import Locale
from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from blogapp.comments.posting import NETWORK_MARK_DAYS
from blogapp.db.base import db
from blogapp.owners.sessions import LIFETIME
from blogapp.settings import LOCALES
from blogapp.site.settings import current_site
from blogapp.text import i18n
from blogapp.view_counts.retention import MONTHS
from blogapp.visitors import cookie
from blogapp.visitors.identity import IPV4_BITS, IPV6_BITS
from blogapp.web.htmx import is_htmx
from blogapp.web.http_cache import keep_private
from blogapp.web.page_cache import SITE, depends_on
from blogapp.web.rate_limits import rate_limit_storage

bp = Blueprint("privacy", __name__, url_prefix="/privacy")


@bp.get("")
def show() -> Response:
    _set_locale(request.args.get("lang", ""))
    has_objected = cookie.has_objected(request)
    depends_on(db.session(), SITE)
    page = render_template(
        "privacy/show.html",
        ipv4_bits=IPV4_BITS,
        ipv6_bits=IPV6_BITS,
        months=MONTHS,
        visitors_per_hour=current_app.config["VIEW_RATE_PER_HOUR"],
        limits=rate_limit_storage(),
        edit_minutes=current_app.config["COMMENT_EDIT_MINUTES"],
        moderation=current_site().comment_moderation,
        network_days=NETWORK_MARK_DAYS,
        visitor_days=cookie.DAYS,
        owner_days=LIFETIME.days,
        objection_days=cookie.OBJECTION_DAYS,
        has_objected=has_objected,
        languages=[(code, str(Locale.parse(code).get_display_name()).capitalize()) for code in LOCALES],
    )
    response = make_response(page)
    if has_objected:
        keep_private(response)
    return response


@bp.post("/objection")
def object_to_counting() -> Response:
    response = _answer(has_objected=True)
    cookie.set_objection(request, response)
    return response


@bp.post("/objection/delete")
def delete_objection() -> Response:
    response = _answer(has_objected=False)
    cookie.delete_objection(request, response)
    return response


def _set_locale(lang: str) -> None:
    """Use the language of the query: pages link to the privacy page in their own language."""
    if lang in LOCALES:
        i18n.set_locale(lang)


def _answer(has_objected: bool) -> Response:
    _set_locale(request.form.get("lang", ""))
    if is_htmx():
        return make_response(
            render_template("privacy/_objected.html", has_objected=has_objected, objection_days=cookie.OBJECTION_DAYS)
        )
    return redirect(url_for("privacy.show", lang=i18n.current_locale(), _anchor="objection"), 303)
