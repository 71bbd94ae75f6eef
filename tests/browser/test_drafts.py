"""Drafts survive a reload, an expired edit window, a conflicting edit, a deleted comment and closed comments. They are
deleted when saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update

from blogapp.articles.models import CLOSED, Article
from blogapp.clock import now
from blogapp.comments.models import Comment
from blogapp.db.transactions import write_transaction
from tests.browser.conftest import Visit, assert_accessible, write
from tests.browser.test_live import post_many
from tests.browser.test_refresh import open_with_a_clock

Visits = Callable[..., Visit]
Articles = Callable[..., str]

FIELD = ".reply-slot [name=body]"
LOST = "#lost-draft-text"
MISSING = "404"  # Chromium reports the response that says that a comment has been deleted


def begin_edit(page: Page, address: str, draft: str) -> None:
    page.goto(address)
    write(page, "Original")
    expect(page.locator(".comment")).to_have_count(1)
    page.get_by_role("link", name="Edit").click()
    expect(page.locator(FIELD)).to_be_focused()
    page.locator(FIELD).fill(draft)


def save(page: Page, text: str) -> None:
    page.get_by_role("link", name="Edit").click()
    page.locator(FIELD).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body")).to_have_text(text)


def test_edit_draft_survives_a_reload_and_is_deleted_when_saved(visit: Visits, article: Articles) -> None:
    page = visit().page
    begin_edit(page, article(), "Half an edit")
    page.reload()
    expect(page.locator(FIELD)).to_have_value("Half an edit")
    expect(page.locator(".draft-notice")).to_contain_text("Your unsaved changes have been restored.")
    assert_accessible(page)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body")).to_have_text("Half an edit")
    page.reload()
    expect(page.locator(".comment")).to_have_count(1)
    expect(page.locator(FIELD)).to_have_count(0)
    page.get_by_role("link", name="Edit").click()
    expect(page.locator(FIELD)).to_have_value("Half an edit")
    expect(page.locator(".draft-notice")).to_be_hidden()


def test_closed_draft_comes_back_on_request_and_can_be_discarded(visit: Visits, article: Articles) -> None:
    page = visit().page
    begin_edit(page, article(), "Half an edit")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator(FIELD)).to_have_count(0)
    page.get_by_role("link", name="Edit").click()
    expect(page.locator(FIELD)).to_have_value("Half an edit")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator(FIELD)).to_have_value("Original")
    expect(page.locator(FIELD)).to_be_focused()
    page.reload()
    page.get_by_role("link", name="Edit").click()
    expect(page.locator(FIELD)).to_have_value("Original")


def test_draft_does_not_replace_a_newer_revision_without_asking(visit: Visits, article: Articles) -> None:
    visitor = visit()
    page = visitor.page
    begin_edit(page, article(), "From the first window")
    page.evaluate("window.kept = {...localStorage}")
    kept = page.evaluate("window.kept")
    page.reload()
    expect(page.locator(FIELD)).to_have_value("From the first window")
    page.locator(FIELD).fill("Saved since")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body")).to_have_text("Saved since")
    # As if another browser had saved: the draft of the first revision is still here.
    page.evaluate("kept => Object.entries(kept).forEach(([key, value]) => localStorage.setItem(key, value))", kept)
    page.reload()
    expect(page.locator(FIELD)).to_have_value("Saved since")
    notice = page.locator(".draft-notice")
    expect(notice).to_contain_text("You have unsaved changes to an earlier version of this comment.")
    assert_accessible(page)
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(FIELD)).to_have_value("From the first window")
    expect(notice).to_be_hidden()


def test_unsaved_edit_is_shown_after_the_edit_window_ends(visit: Visits, article: Articles, blog: Flask) -> None:
    page = visit().page
    address = article()
    begin_edit(page, address, "Too late, but not lost")
    comment = int((page.locator(".comment").get_attribute("id") or "").removeprefix("comment-"))
    with blog.app_context(), write_transaction() as session:
        session.execute(update(Comment).where(Comment.id == comment).values(created_at=now() - timedelta(hours=1)))
    page.reload()
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    expect(page.locator("#lost-draft-text")).to_have_value("Too late, but not lost")
    expect(page.get_by_label("This comment can no longer be edited.")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Discard").click()
    page.reload()
    expect(page.locator("#lost-draft")).to_be_hidden()


def test_draft_of_another_tab_is_kept_after_a_post(visit: Visits, article: Articles) -> None:
    visitor = visit()
    address = article()
    one, two = visitor.page, visitor.context.new_page()
    one.goto(address)
    two.goto(address)
    one.locator("#comment-form [name=body]").fill("From one")
    two.locator("#comment-form [name=body]").fill("From two")
    one.locator("#comment-form [name=author_name]").fill("Ada")
    one.locator("#comment-form button[type=submit]").click()
    expect(one.locator(".comment")).to_have_count(1)
    two.reload()
    expect(two.locator("#comment-form [name=body]")).to_have_value("From two")


def test_forms_work_when_storage_is_full_or_forbidden(visit: Visits, article: Articles) -> None:
    for method in ("setItem", "getItem"):
        page = visit().page
        page.add_init_script(
            f"Storage.prototype.{method} = () => {{ throw new DOMException('', 'QuotaExceededError'); }};"
        )
        begin_edit(page, article(), f"Edited without {method}")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".comment-body")).to_have_text(f"Edited without {method}")


def test_page_with_only_the_form_redirects_to_the_comment(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    write(page, "Original")
    expect(page.locator(".comment")).to_have_count(1)
    for link, text in (("Reply", "An answer"), ("Edit", "Original, edited")):
        address = page.locator(".comment").first.get_by_role("link", name=link).first.get_attribute("href") or ""
        back = page.url
        page.goto(f"{back.split('/articles')[0]}{address}")
        page.locator("[name=body]").fill(text)
        if page.locator("[name=author_name]").count():
            page.locator("[name=author_name]").fill("Bob")
        page.locator(".comment-form button[type=submit]").click()
        expect(page.locator(".comment:target .comment-body")).to_have_text(text)
        page.goto(back)
        expect(page.locator(".reply-slot form")).to_have_count(0)


def begin_reply(visit: Visits, address: str, draft: str) -> tuple[Page, Page]:
    """Two open pages: Ada has posted a comment in the first, and Bob has begun a reply to it in the second."""
    author, visitor = visit().page, visit()
    visitor.allow(MISSING)
    author.goto(address)
    write(author, "Soon deleted")
    expect(author.locator(".comment")).to_have_count(1)
    page = open_with_a_clock(visitor, address)
    page.get_by_role("link", name="Reply to Ada").click()
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type(draft)
    return author, page


def delete(page: Page) -> None:
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#status")).to_have_text("Your comment has been deleted.")


def test_reply_in_progress_stays_open_when_its_parent_is_deleted(visit: Visits, article: Articles) -> None:
    author, page = begin_reply(visit, article(), "Half a reply")
    delete(author)
    page.clock.fast_forward(15_000)
    expect(page.locator("#status")).to_have_text("This comment has been deleted.")
    expect(page.locator(".comment")).to_have_text("This comment has been deleted.")
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type(", finished")
    expect(page.locator(FIELD)).to_have_value("Half a reply, finished")
    page.clock.resume()  # axe uses timers
    assert_accessible(page)


def test_reply_to_a_deleted_comment_is_shown_after_a_reload(visit: Visits, article: Articles) -> None:
    author, page = begin_reply(visit, article(), "Half a reply")
    delete(author)
    page.reload()
    expect(page.get_by_label("This comment can no longer be posted.")).to_have_value("Half a reply")
    page.clock.resume()
    assert_accessible(page)
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("#comments")).to_be_focused()
    page.reload()
    expect(page.locator("#comment-form")).to_be_visible()
    expect(page.locator(LOST)).to_be_hidden()


def test_reply_to_a_placeholder_is_shown_below_it(visit: Visits, article: Articles) -> None:
    author, page = begin_reply(visit, article(), "Half a reply")
    author.get_by_role("link", name="Reply").first.click()
    write(author, "This one stays", name="Ada", form=".reply-slot form")
    expect(author.locator(".comment")).to_have_count(2)
    delete_first(author)
    page.reload()
    expect(page.locator(f".comment:has(.tombstone) ~ .lost-draft {LOST}")).to_have_value("Half a reply")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator(".comment:has(.tombstone)")).to_be_focused()


def delete_first(page: Page) -> None:
    page.get_by_role("link", name="Delete").first.click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".tombstone")).to_have_count(1)


def test_drafts_are_shown_one_after_the_other_when_comments_have_been_closed(
    visit: Visits, article: Articles, blog: Flask
) -> None:
    address = article()
    _, page = begin_reply(visit, address, "Half a reply")
    page.locator("#comment-form [name=body]").fill("Half a comment")
    with blog.app_context(), write_transaction() as session:
        session.execute(update(Article).where(Article.slug == address.rsplit("/", 1)[1]).values(comments=CLOSED))
    page.reload()
    shown = set()
    for _ in range(2):
        expect(page.get_by_label("This comment can no longer be posted.")).to_be_visible()
        shown.add(page.locator(LOST).input_value())
        page.get_by_role("button", name="Discard").click()
    assert shown == {"Half a reply", "Half a comment"}
    expect(page.locator(LOST)).to_be_hidden()


def test_reply_to_a_deleted_comment_of_another_article_is_not_shown(visit: Visits, article: Articles) -> None:
    author, page = begin_reply(visit, article(), "Half a reply")
    delete(author)
    page.goto(article())
    expect(page.locator("#comment-form")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.locator(LOST)).to_be_hidden()


def test_reply_to_a_comment_on_another_page_is_not_shown_as_lost(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    post_many(blog, address, 51)
    page = visit().page
    page.goto(address)
    page.get_by_role("link", name="More comments").click()
    expect(page.locator(".comment")).to_have_count(51)
    page.locator(".comment").last.get_by_role("link", name="Reply").click()
    page.locator(FIELD).fill("Half a reply")
    with page.expect_response(lambda answer: answer.request.method == "HEAD") as asked:
        page.reload()
    assert asked.value.status == 302
    expect(page.locator(LOST)).to_be_hidden()


def test_reply_cancelled_on_its_own_page_stays_closed_on_the_article(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    write(page, "Original")
    expect(page.locator(".comment")).to_have_count(1)
    address = page.locator(".reply-link").get_attribute("href") or ""
    page.goto(f"{page.url.split('/articles')[0]}{address}")
    page.locator("[name=body]").fill("Half a reply")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator(".comment")).to_have_count(1)
    page.wait_for_timeout(300)
    expect(page.locator(FIELD)).to_have_count(0)
    page.get_by_role("link", name="Reply").click()
    expect(page.locator(FIELD)).to_have_value("Half a reply")
