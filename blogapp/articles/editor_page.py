"""The editor as a page: read the form that it sends, and render it with messages, a preview or a proposal to merge."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as WerkzeugResponse

from blogapp import clock
from blogapp.articles import editing, revisions
from blogapp.articles.covers import cover_of
from blogapp.articles.editing import BIN_DAYS, Edited, Writer
from blogapp.articles.editor_form import CHECKBOXES, EditorForm, fields_of, parse_form, writer_of
from blogapp.articles.merging import Overlap, choose_in_text, merge
from blogapp.articles.models import Article, ArticleRevision
from blogapp.articles.owner_list import state_of
from blogapp.articles.revisions import AUTOSAVE, SAVE, Content, content_of_revision
from blogapp.articles.slugs import FieldRefused
from blogapp.db.base import db
from blogapp.owners.access import current_owner
from blogapp.owners.accounts import all_owners
from blogapp.site.settings import site_zone
from blogapp.text import i18n
from blogapp.text.i18n import gettext, pgettext
from blogapp.values import frozen
from blogapp.web.converters import whole_number
from blogapp.web.errors import DomainError
from blogapp.web.htmx import is_htmx

# The fields of the content that decide whether a field of the form is refused because of another article.
DEPENDENT = {"slug": ("slug", "is_page"), "translation_of": ("translation_of", "lang")}
# How the names of the choices begin that a form has where two texts overlap.
CHOICE = "choice-"

Answer = Response | WerkzeugResponse | str | tuple[str, int]


class ListedPicture(Protocol):
    """A picture of the library; `alt` is its alternative text."""

    @property
    def address(self) -> str: ...

    @property
    def alt(self) -> str: ...


class Pictures(Protocol):
    """What the editor needs of the library of pictures, which is in the package `media`."""

    def add(self, file: FileStorage) -> ListedPicture:
        """Store a file. Raises DomainError."""

    def find(self, session: Session, address: str) -> ListedPicture | None: ...

    def latest(self, session: Session) -> Sequence[ListedPicture]: ...


def sent_action() -> str:
    return request.form.get("action", SAVE)


def sent_form(stored: Content) -> EditorForm:
    sent, refused = sent_fields()
    form = parse_fields(sent, stored)
    if refused:
        form.errors["cover"] = refused
    if sent_action() == "publish":
        form.check_complete()
    return form


def parse_fields(fields: Mapping[str, str], stored: Content) -> EditorForm:
    owner_ids = {owner.id for owner in all_owners(db.session())}
    return parse_form(fields, stored, site_zone(), owner_ids, lambda address: picture_at(address) is not None)


def sent_fields() -> tuple[dict[str, str], str]:
    """The fields of the form, and why a cover picture was refused. A file, or the button of a picture of the library,
    replaces the cover."""
    sent = request.form.to_dict()
    file, picked = request.files.get("cover_file"), None
    try:
        if file is not None and file.filename:
            picked = pictures().add(file)
        elif address := request.form.get("cover_pick"):
            picked = picture_at(address)
    except DomainError as refusal:
        return sent, str(refusal)
    if picked is not None:
        sent["cover"] = picked.address
        sent["cover_alt"] = sent.get("cover_alt", "").strip() or picked.alt
    return sent, ""


def pictures() -> Pictures:
    found: Pictures = current_app.extensions["pictures"]
    return found


def picture_at(address: str) -> ListedPicture | None:
    return pictures().find(db.session(), address)


def sent_writer() -> Writer:
    return writer_of(request.form, current_owner().id, new_mark())


def without_refused(save: Callable[[], Article], form: EditorForm, action: str, stored: Content) -> Article:
    """Call `save`. In an automatic save, a field that is refused because of another article keeps the value of
    `stored`, so that the text is saved."""
    while True:
        try:
            return save()
        except FieldRefused as refusal:
            if action != AUTOSAVE or refusal.field in form.errors:
                raise
            form.errors[refusal.field] = str(refusal)
            kept = {name: getattr(stored, name) for name in DEPENDENT[refusal.field]}
            form.content = replace(form.content, **kept)


def saved(article: Article, form: EditorForm, action: str) -> Answer:
    """The answer after a save: what has changed around the text, or the page again."""
    if not is_htmx():
        if action == "delete":
            return redirect(url_for("owner_articles.index", notice="deleted"), 303)
        return redirect(url_for("owner_articles.edit", article_id=article.id, notice=action), 303)
    if action == "delete":
        response = make_response(gettext("The article is in the bin."))
        response.headers["HX-Redirect"] = url_for("owner_articles.index", notice="deleted")
        return response
    edited = editing.load(db.session(), article.id)
    page = render_template(
        "articles/owner/_saved.html",
        **editor_values(edited, form),
        action=action,
        mark=request.form.get("editor", ""),
        stored=fields_of(edited.content, site_zone()),
    )
    # An automatic save stores what is valid.
    return (page, 422) if form.errors else page


def refuse(edited: Edited | None, form: EditorForm) -> Answer:
    """Nothing was saved: the messages, and the form as it was sent."""
    if is_htmx():
        return render_template("articles/owner/_errors.html", form=form), 422
    return render_editor(edited, form), 422


def refuse_field(edited: Edited | None, form: EditorForm, refusal: FieldRefused) -> Answer:
    form.errors[refusal.field] = str(refusal)
    return refuse(edited, form)


def refuse_conflict(edited: Edited, form: EditorForm) -> Answer:
    """Another form has saved in the meantime: both texts, to be merged. Nothing was saved."""
    if is_htmx():
        return render_template("articles/owner/_conflict.html", **editor_values(edited, form)), 409
    return propose_merge(edited, form), 409


@frozen
class Conflict:
    """What the editor shows above a proposal to merge two texts: what the form had (`typed`), the text that was saved
    elsewhere (`other`), the one that both began with (`base`, the id of a revision), and where they overlap."""

    typed: str
    other: Content
    other_id: int
    base_id: int | None
    overlaps: list[Overlap]
    is_new: bool = False


def propose_merge(edited: Edited, form: EditorForm) -> str:
    """The editor with both texts merged, and the places that both have changed."""
    writer = sent_writer()
    base = revisions.common_base(db.session(), edited.article.id, writer.version, writer.form)
    merged = merge(fields_of_revision(base), form.fields, fields_of(edited.content, site_zone()), {})
    conflict = Conflict(
        form.fields["body"],
        edited.content,
        edited.revision.id if edited.revision else 0,
        base.id if base else None,
        merged.overlaps,
        is_new=True,
    )
    return render_editor(edited, replace_fields(form, merged.fields, edited.content), conflict)


def apply_choices(edited: Edited, form: EditorForm) -> Answer:
    """The editor with the versions that the owner has chosen where two texts overlap. Nothing is saved."""
    session, article_id = db.session(), edited.article.id
    other = revisions.find_revision(session, article_id, request.form.get("other", 0, type=whole_number))
    base_id = request.form.get("base", 0, type=whole_number)
    base = fields_of_revision(revisions.find_revision(session, article_id, base_id) if base_id else None)
    typed = request.form.get("typed", "").replace("\r\n", "\n")
    choices = {name.removeprefix(CHOICE): value for name, value in request.form.items() if name.startswith(CHOICE)}
    content = content_of_revision(other)
    merged = merge(base, {**form.fields, "body": ""}, {**fields_of(content, site_zone()), "body": ""}, choices)
    body, left = choose_in_text(
        base["body"] if base else None, typed, content.body_source, form.fields["body"], choices
    )
    conflict = Conflict(typed, content, other.id, base_id or None, [*merged.overlaps, *left])
    return render_editor(edited, replace_fields(form, {**merged.fields, "body": body}, edited.content), conflict)


def fields_of_revision(revision: ArticleRevision | None) -> dict[str, str] | None:
    return fields_of(content_of_revision(revision), site_zone()) if revision else None


def replace_fields(form: EditorForm, fields: dict[str, str], stored: Content) -> EditorForm:
    """The form with other values in its fields."""
    changed = parse_fields(fields, stored)
    return EditorForm(changed.fields, changed.content, {**form.errors, **changed.errors})


def render_editor(
    edited: Edited | None,
    form: EditorForm,
    conflict: Conflict | None = None,
    preview: dict[str, Any] | None = None,
) -> str:
    if conflict is not None and conflict.is_new:
        # The form now knows the other text, so its next save replaces it.
        mark, version = new_mark(), None
    else:
        mark = request.form.get("editor") or new_mark()
        version = request.form.get("revision", type=whole_number)
    return render_template(
        "articles/owner/editor.html",
        **editor_values(edited, form, version),
        mark=mark,
        conflict=conflict,
        conflict_pieces=revisions.compare(conflict.other.body_source, form.fields["body"]) if conflict else [],
        conflict_changes=field_changes(conflict.other, form.content) if conflict else [],
        shown_value=shown_value,
        preview=preview,
        failed=bool(form.errors or (conflict and conflict.is_new)),
        notice=request.args.get("notice", ""),
    )


def editor_values(edited: Edited | None, form: EditorForm, version: int | None = None) -> dict[str, Any]:
    """What the editor's templates show besides the text. `version` is what the form is based on, if not the latest."""
    article = edited.article if edited else None
    return {
        "edited": edited,
        "article": article,
        "form": form,
        "version": version if version is not None or article is None else article.edit_version,
        "state": state_of(article, clock.now()) if article else "new",
        "owners": all_owners(db.session()),
        "names": owner_names(),
        "zone": site_zone(),
        "bin_days": BIN_DAYS,
        "cover": cover_of(form.content),
        "latest_pictures": pictures().latest(db.session()),
    }


def field_changes(before: Content, after: Content) -> list[tuple[str, str, str]]:
    """The fields other than the text that differ: their names and both values, as the form shows them."""
    old, new = fields_of(before, site_zone()), fields_of(after, site_zone())
    changed = [name for name in old if name != "body" and old[name] != new[name]]
    return [(name, shown_value(name, old[name]), shown_value(name, new[name])) for name in changed]


def shown_value(name: str, value: str) -> str:
    """The value of a field as people read it."""
    if name == "author":
        # A form that is compared before it is checked can have any text here.
        is_number = value.isascii() and value.isdigit() and len(value) < 17
        return owner_names().get(int(value), "") if is_number else value
    if name == "published_at":
        return value.replace("T", " ")
    if name in CHECKBOXES:
        return gettext("Yes") if value else gettext("No")
    names = {"open": pgettext("comments", "Open"), "closed": pgettext("comments", "Closed")}
    names |= {"none": gettext("No comments"), "page": gettext("Page"), "article": gettext("Article")}
    return names[value] if name in {"kind", "comments"} and value in names else value


def owner_names() -> dict[int, str]:
    return {owner.id: owner.name for owner in all_owners(db.session())}


def empty_content() -> Content:
    return Content("", "", "", i18n.current_locale(), author_id=current_owner().id)


def new_mark() -> str:
    return secrets.token_urlsafe(16)
