"""Edit drafts survive a reload, an expired edit window and a conflicting edit, and are deleted when saved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import update

from blogapp.clock import now
from blogapp.comments.models import Comment
from blogapp.db.transactions import write_transaction
from tests.browser.conftest import Visit, assert_accessible, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]

FIELD = ".reply-slot [name=body]"


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
