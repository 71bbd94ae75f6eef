"""Render the article page: the article, its view count, comments and comment form."""

from __future__ import annotations

from functools import partial

from flask import Flask, render_template, request, url_for

from blogapp import clock
from blogapp.articles.addresses import article_url
from blogapp.articles.authors import author_of
from blogapp.articles.covers import cover_of
from blogapp.articles.menu import about_page
from blogapp.articles.models import NONE, PUBLISHED
from blogapp.articles.neighbours import neighbours_of
from blogapp.articles.reading import PublishedArticle
from blogapp.articles.tags import tags_of
from blogapp.articles.translations import translations_of
from blogapp.comments.current_author import current_author
from blogapp.comments.finding import last_signature
from blogapp.comments.forms import FormView
from blogapp.comments.models import Comment
from blogapp.comments.posting import is_closed
from blogapp.comments.routes.moderation import owner_notice
from blogapp.comments.routes.read import liked_on_page, requested_sort, set_article_page
from blogapp.comments.site_rules import site_rules
from blogapp.comments.threads import conversation_of, load_elsewhere, load_page
from blogapp.db.base import db
from blogapp.pages.structured_data import describe_article, describe_comments
from blogapp.site.settings import current_site
from blogapp.text import i18n
from blogapp.view_counts.counting import views_of
from blogapp.web.page_cache import depends_on, limit_max_age
from blogapp.web.parts import keeper


def init_app(app: Flask) -> None:
    set_article_page(app, render_article_page)


def render_article_page(
    article: PublishedArticle, form: FormView | None = None, cursor: str = "", at: Comment | None = None
) -> str:
    """The whole page: the article, its counts, a page of comments (after `cursor`, or around `at`), the form."""
    i18n.set_locale(article.lang)
    session, author = db.session(), current_author()
    is_listed = article.status == PUBLISHED and not article.is_page
    depends_on(session, article.id)
    neighbours = neighbours_of(session, article, clock.now()) if is_listed else None
    if neighbours and neighbours.appears_at:
        limit_max_age((neighbours.appears_at - clock.now()).total_seconds())
    sort = requested_sort()
    conversation = conversation_of(session, article.id)
    page = load_page(session, article.id, sort, cursor, at, author.token_hash, author.is_owner, conversation.pinned_id)
    # A guest author is not who that page is about.
    written_by, about = author_of(session, article), about_page() if not article.author_name else None
    cover, card = cover_of(article), url_for("cards.article", slug=article.slug, _external=True)
    translations, signature = translations_of(session, article, clock.now()), last_signature(session, author)
    # What the parts that are kept depend on: the article, and what time reveals, because it was scheduled.
    appears_at, about_slug = neighbours and neighbours.appears_at, about and about.slug
    shown = (article.id, appears_at, about_slug, *(each.slug for each in translations))
    # Readers without a name to fill in get the same empty form, which is kept (`empty_form`).
    is_form_again = form is not None
    if form is None and (author.is_owner or any(signature)):
        form = FormView.empty(article, signature=signature)
    description = describe_article(
        article,
        address=article_url(article, _external=True),
        picture=cover.url(request.root_url.rstrip("/")) if cover else card,
        author=written_by,
        about=article_url(about, _external=True) if about else "",
        site=current_site(),
        comments=conversation.comment_count if article.comments != NONE else 0,
    )
    if not article.is_page and article.comments != NONE and (described := describe_comments(page.threads)):
        description["comment"] = described
    return render_template(
        "articles/show.html",
        article=article,
        description=description,
        written_by=written_by,
        about=about,
        tags=tags_of(article),
        is_listed=is_listed,
        shown=shown,
        kept=keeper(session),
        neighbours=neighbours,
        translations=translations,
        author=author,
        views=views_of(session, [article.id])[article.id],
        conversation=conversation,
        page=page,
        elsewhere=load_elsewhere(session, article.id, page),
        failed=is_form_again,
        form=form,
        empty_form=partial(FormView.empty, article),
        sort=sort,
        is_closed=is_closed(article, conversation, site_rules(), clock.now()),
        **owner_notice(session, author),
        is_waiting=request.args.get("notice") == "waiting",
        liked_ids=liked_on_page(page.threads),
    )
