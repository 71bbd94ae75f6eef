"""A page that was opened before the article's slug changed goes on working, and drafts follow the article."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from blogapp.articles.models import Article, ArticleRedirect
from blogapp.db.transactions import write_transaction
from tests.browser.conftest import Visit, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]


def move(blog: Flask, address: str) -> str:
    """Change the slug of the article; returns its new address."""
    slug = address.rsplit("/", 1)[1]
    with blog.app_context(), write_transaction() as session:
        moved = session.scalars(select(Article).where(Article.slug == slug)).one()
        moved.slug = f"moved-{slug}"
        session.add(ArticleRedirect(slug=slug, article_id=moved.id))
    return address.replace(slug, f"moved-{slug}")


def test_open_page_posts_replies_and_refreshes_after_its_article_has_moved(
    visit: Visits, article: Articles, blog: Flask
) -> None:
    address = article()
    page, other = visit().page, visit().page
    page.goto(address)
    new_address = move(blog, address)
    write(page, "Sent from the old page")
    expect(page.locator(".comment-body")).to_have_text("Sent from the old page")
    expect(page.locator("#comment-form [name=body]")).to_have_value("")
    other.goto(new_address)
    other.get_by_role("link", name="Reply to Ada").click()
    write(other, "From the new one", name="Bob", form=".reply-slot form")
    expect(other.locator(".comment")).to_have_count(2)
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".comment")).to_have_count(2)
    page.get_by_role("link", name="Reply to Bob").click()
    write(page, "Answered", form=".reply-slot form")
    expect(page.locator(".comment")).to_have_count(3)
    expect(page.locator(".form-failure:not(:empty), .request-failure")).to_have_count(0)


def test_draft_is_restored_after_its_article_has_moved(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    page = visit().page
    page.goto(address)
    page.locator("#comment-form [name=body]").fill("Half a thought")
    new_address = move(blog, address)
    page.reload()
    assert page.url == new_address
    expect(page.locator("#comment-form [name=body]")).to_have_value("Half a thought")


def test_draft_that_was_stored_under_the_slug_is_restored(visit: Visits, article: Articles) -> None:
    address = article()
    page = visit().page
    page.goto(address)
    key = f"blogapp:draft:comment-{address.rsplit('/', 1)[1]}"
    page.evaluate("key => localStorage.setItem(key, JSON.stringify({ body: 'Older', at: Date.now() }))", key)
    page.reload()
    expect(page.locator("#comment-form [name=body]")).to_have_value("Older")
    page.locator("#comment-form [name=body]").fill("")
    page.reload()
    expect(page.locator("#comment-form [name=body]")).to_have_value("")
