"""The owner's pages for articles: the list, the editor, revisions, and the secret address of a draft."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from flask import Blueprint, Flask, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles import editing, revisions
from blogapp.articles.addresses import article_url
from blogapp.articles.covers import cover_of
from blogapp.articles.editing import BIN_DAYS, EditConflict, Writer
from blogapp.articles.editor_form import EditorForm, fields_of
from blogapp.articles.editor_page import (
    DEPENDENT,
    Answer,
    Pictures,
    apply_choices,
    empty_content,
    field_changes,
    new_mark,
    owner_names,
    propose_merge,
    refuse,
    refuse_conflict,
    refuse_field,
    render_editor,
    saved,
    sent_action,
    sent_form,
    sent_writer,
    without_refused,
)
from blogapp.articles.models import DRAFT, NONE, PAGE, Article
from blogapp.articles.owner_list import ALL, STATES, count_states, list_for_owner, state_of
from blogapp.articles.reading import find_draft
from blogapp.articles.revisions import AUTOSAVE, SAVE, content_of_revision
from blogapp.articles.slugs import FieldRefused
from blogapp.db.base import db
from blogapp.db.content_versions import Changes
from blogapp.db.transactions import write_transaction
from blogapp.owners import bar
from blogapp.owners.access import current_owner, for_owners, keep_out_of_caches
from blogapp.site.settings import current_site, site_zone
from blogapp.text import i18n, markup
from blogapp.text.i18n import gettext
from blogapp.web.converters import whole_number
from blogapp.web.htmx import is_htmx
from blogapp.web.request_bodies import Limits

bp = for_owners(Blueprint("owner_articles", __name__, url_prefix="/owner/articles"))
drafts = Blueprint("drafts", __name__)
drafts.after_request(keep_out_of_caches)

# A text of 1,000,000 characters, some of which take three bytes in UTF-8, in a form that may be percent-encoded; and a
# cover picture, which a browser without JavaScript sends in the same form.
TEXTS = {"/owner/articles/": Limits(28 * 1024 * 1024, 300.0)}


def init_app(app: Flask, pictures: Pictures) -> None:
    app.extensions["pictures"] = pictures
    bar.add_link(app, bar.Link("owner_articles.new", lambda: gettext("New article"), order=10))
    bar.add_link(app, bar.Link("owner_articles.index", lambda: gettext("Articles"), order=12))
    bar.add_panel(app, bar.Panel("articles/owner/_panel.html", latest_drafts, order=10))


def latest_drafts(session: Session) -> dict[str, Any]:
    listed = list_for_owner(session, clock.now(), DRAFT)
    return {"drafts": listed.articles[:5], "zone": site_zone()}


@bp.get("")
def index() -> str:
    session, now = db.session(), clock.now()
    state = request.args.get("state", ALL)
    state = state if state in STATES else ALL
    words = request.args.get("q", "")[:200]
    before = request.args.get("before", type=whole_number)
    return render_template(
        "articles/owner/index.html",
        listed=list_for_owner(session, now, state, words, before),
        counts=count_states(session, now),
        states=STATES,
        state=state,
        words=words,
        is_first=before is None,
        state_of=lambda article: state_of(article, now),
        zone=site_zone(),
        bin_days=BIN_DAYS,
        notice=request.args.get("notice", ""),
    )


@bp.get("/new")
def new() -> str:
    content = empty_content()
    if request.args.get("kind") == PAGE:
        content = replace(content, is_page=True, in_menu=True, comments=NONE)
    return render_editor(None, EditorForm(fields_of(content, site_zone()), content))


@bp.post("/new")
def create() -> Answer:
    form, writer, action = sent_form(empty_content()), sent_writer(), sent_action()
    if form.errors and action != AUTOSAVE:
        return refuse(None, form)
    try:
        article = without_refused(lambda: add(action, form, writer), form, action, empty_content())
    except EditConflict:
        # The form has created the article before, and another window has saved it since.
        return refuse_conflict(editing.load_created(db.session(), writer), form)
    except FieldRefused as refusal:
        return refuse_field(None, form, refusal)
    return saved(article, form, action)


def add(action: str, form: EditorForm, writer: Writer) -> Article:
    with write_transaction(Changes.NOTHING) as session:
        kind = AUTOSAVE if action == AUTOSAVE else SAVE
        article = editing.create(session, form.content, writer, kind, clock.now())
    if action == "publish":
        # Publishing changes what readers see, so it needs the article's id.
        return change(article.id, action, form, replace(writer, version=article.edit_version))
    return article


@bp.get("/<id:article_id>/edit")
def edit(article_id: int) -> str:
    edited = editing.load(db.session(), article_id)
    return render_editor(edited, EditorForm(fields_of(edited.content, site_zone()), edited.content))


@bp.post("/<id:article_id>/edit")
def update(article_id: int) -> Answer:
    edited = editing.load(db.session(), article_id)
    form, action = sent_form(edited.content), sent_action()
    if action == "compare":
        return propose_merge(edited, form)
    if action == "merge":
        return apply_choices(edited, form)
    if form.errors and action not in {AUTOSAVE, "delete"}:
        return refuse(edited, form)
    try:
        writer = sent_writer()
        stored = replace(edited.content, slug=edited.article.slug)
        article = without_refused(lambda: change(article_id, action, form, writer), form, action, stored)
    except EditConflict:
        return refuse_conflict(editing.load(db.session(), article_id), form)
    except FieldRefused as refusal:
        return refuse_field(edited, form, refusal)
    return saved(article, form, action)


def change(article_id: int, action: str, form: EditorForm, writer: Writer) -> Article:
    """Carry out the action of the button that was pressed. What readers see of this article changes the menu and the
    pages of its neighbours and translations too, so it raises all content versions; only a save raises none."""
    if action == "publish":
        with write_transaction() as session:
            return editing.publish_now(session, article_id, form.content, writer, clock.now())
    if action == "unpublish":
        with write_transaction() as session:
            return editing.unpublish(session, article_id, form.content, writer, form.redirect_to, clock.now())
    if action == "delete":
        with write_transaction() as session:
            return editing.move_to_bin(session, article_id, form.content, writer, clock.now())
    with write_transaction(Changes.NOTHING) as session:
        kind = AUTOSAVE if action == AUTOSAVE else SAVE
        return editing.save(session, article_id, form.content, writer, kind, clock.now())


@bp.post("/preview")
def preview() -> str:
    """The text as readers will see it: a fragment, or without JavaScript the editor with the preview above it."""
    article_id = request.form.get("article", type=whole_number)
    edited = editing.load(db.session(), article_id) if article_id else None
    form = sent_form(edited.content if edited else empty_content())
    lang, title = form.content.lang, form.fields["title"]
    shown = {
        "lang": lang,
        "title": title,
        "html": markup.render_article(form.fields["body"], lang, title, current_site().typography),
        "cover": cover_of(form.content),
    }
    if is_htmx():
        return render_template("articles/owner/_preview.html", preview=shown)
    return render_editor(edited, form, preview=shown)


@bp.get("/<id:article_id>/revisions")
def list_revisions(article_id: int) -> str:
    edited = editing.load(db.session(), article_id)
    return render_template(
        "articles/owner/revisions.html",
        edited=edited,
        revisions=revisions.list_revisions(db.session(), article_id),
        names=owner_names(),
        zone=site_zone(),
    )


@bp.get("/<id:article_id>/revisions/<id:revision_id>")
def show_revision(article_id: int, revision_id: int) -> str:
    session = db.session()
    edited = editing.load(session, article_id)
    revision = revisions.find_revision(session, article_id, revision_id)
    before = revisions.revision_before(session, revision)
    content = content_of_revision(revision)
    earlier = content_of_revision(before) if before else replace(content, body_source="")
    return render_template(
        "articles/owner/revision.html",
        edited=edited,
        revision=revision,
        is_latest=edited.revision is not None and edited.revision.id == revision.id,
        pieces=revisions.compare(earlier.body_source, content.body_source) if before else None,
        content=content,
        changes=field_changes(earlier, content),
        names=owner_names(),
        zone=site_zone(),
    )


@bp.post("/<id:article_id>/revisions/<id:revision_id>/restoration")
def restore_revision(article_id: int, revision_id: int) -> Answer:
    content = content_of_revision(revisions.find_revision(db.session(), article_id, revision_id))
    with write_transaction(Changes.NOTHING) as session:
        # An address that another article has taken since is not taken back.
        stored = editing.load(session, article_id).content
        restored = replace(content, slug=stored.slug)
        try:
            editing.restore_revision(session, article_id, restored, current_owner().id, new_mark(), clock.now())
        except FieldRefused:
            # Neither is the place of another translation, and an address that the site now uses itself.
            restored = replace(
                restored, **{name: getattr(stored, name) for names in DEPENDENT.values() for name in names}
            )
            editing.restore_revision(session, article_id, restored, current_owner().id, new_mark(), clock.now())
    return redirect(url_for("owner_articles.edit", article_id=article_id, notice="restored"), 303)


@bp.post("/<id:article_id>/restoration")
def restore(article_id: int) -> Answer:
    """Take an article out of the bin."""
    with write_transaction() as session:
        editing.restore_from_bin(session, article_id, clock.now())
    return redirect(url_for("owner_articles.edit", article_id=article_id, notice="undeleted"), 303)


@bp.post("/<id:article_id>/preview-link")
def renew_preview_link(article_id: int) -> Answer:
    with write_transaction(Changes.NOTHING) as session:
        article = editing.give_preview_secret(session, article_id, secrets.token_urlsafe(32))
    if is_htmx():
        return render_template("articles/owner/_preview_link.html", article=article)
    return redirect(url_for("owner_articles.edit", article_id=article_id, _anchor="owner-preview-link"), 303)


@drafts.get("/drafts/<secret>")
def show_draft(secret: str) -> Answer:
    """A draft, for everybody who knows its secret address. After its publication, the address leads to the article."""
    article = find_draft(db.session(), secret)
    if article.is_visible(clock.now()):
        return redirect(article_url(article), 302)
    content = editing.load(db.session(), article.id).content
    i18n.set_locale(content.lang)
    html = markup.render_article(content.body_source, content.lang, content.title, current_site().typography)
    return render_template("articles/draft.html", content=content, html=html)
