"""An owner moderates in a browser: with keys, with buttons on the article's page, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.comments.article_settings import configure
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from blogapp.owners.accounts import save_owner
from blogapp.owners.passwords import hash_password
from blogapp.owners.sessions import end_all_sessions, start_session
from blogapp.visitors.identity import new_token
from tests.browser.conftest import Visit, assert_accessible, assert_accessible_in_both_schemes
from tests.harness.server import Server

NAME, PASSWORD = "Chloé Martin", "correct horse battery"


@dataclass
class Room:
    """An article all of whose comments await approval, and a signed-in owner's browser."""

    slug: str
    server: Server
    blog: Flask
    token: str

    def open(self, visit: Visit, path: str = "") -> Page:
        visit.context.add_cookies([{"name": "owner", "value": self.token, "url": self.server.url}])
        visit.page.goto(f"{self.server.url}{path or f'/owner/comments?article={self.slug}'}")
        return visit.page

    def post(self, *bodies: str) -> None:
        for body in bodies:
            form = {"author_name": "Reader", "body": body}
            answer = self.blog.test_client().post(f"/articles/{self.slug}/comments", data=form)
            assert answer.status_code == 303

    def publish(self, *bodies: str) -> None:
        """Post the comments and approve them."""
        self.post(*bodies)
        owner = self.blog.test_client()
        owner.set_cookie("owner", self.token)
        form = {"article": self.slug, "status": "pending", "all": "1", "action": "approve"}
        assert owner.post("/owner/comments/bulk", data=form).status_code == 303


@pytest.fixture
def room(server: Server, blog: Flask, article: Callable[..., str]) -> Room:
    slug, token = article().rsplit("/", 1)[1], new_token()
    with blog.app_context():
        with write_transaction() as session:
            owner = save_owner(session, NAME, hash_password(PASSWORD))
            start_session(session, owner, token, "Chromium", clock.now())
            article_id = session.scalars(select(Article.id).where(Article.slug == slug)).one()
            configure(session, article_id, "all", "")
        db.session.remove()
    return Room(slug, server, blog, token)


def queued(page: Page, body: str) -> str:
    """The selector of a comment in the list."""
    item = page.locator(".queued", has=page.locator(".comment-body", has_text=body))
    return f"#{item.get_attribute('id')}"


def count(page: Page, state: str) -> int:
    return int(page.locator(f'#queue-states [data-state="{state}"]').inner_text())


def test_keys_move_decide_and_keep_the_counts(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("One", "Two", "Three", "Four")
    page = room.open(visit())
    one, two, three, four = (queued(page, body) for body in ("One", "Two", "Three", "Four"))
    waiting, spam = count(page, "pending"), count(page, "spam")
    expect(page.locator(four)).to_be_focused()  # newest first
    page.keyboard.press("j")
    expect(page.locator(three)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("a")
    expect(page.locator(four)).to_contain_text("The comment is published.")
    expect(page.locator(three)).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator(three)).to_contain_text("The comment is marked as spam.")
    expect(page.locator(two)).to_be_focused()
    page.keyboard.press("r")
    expect(page.locator(two)).to_contain_text("The comment is removed.")
    expect(page.locator(one)).to_be_focused()
    expect(page.locator('#queue-states [data-state="pending"]')).to_have_text(str(waiting - 3))
    expect(page.locator('#queue-states [data-state="spam"]')).to_have_text(str(spam + 1))
    expect(page.locator("#owner-count-owner_comments-index")).to_have_text(str(waiting - 3))
    assert_accessible(page)
    page.locator(f"{three} .undo button").click()
    expect(page.locator(f"{three} .comment-body")).to_have_text("Three")
    expect(page.locator(three)).to_be_focused()
    expect(page.locator('#queue-states [data-state="spam"]')).to_have_text(str(spam))


def test_list_says_that_it_is_empty_after_the_last_decision(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("Only one")
    page = room.open(visit())
    bulk, empty = page.locator("#bulk"), page.get_by_text("There are no comments here.")
    expect(bulk).to_be_visible()
    expect(empty).to_be_hidden()
    page.locator(".moderation").get_by_role("button", name="Approve").click()
    expect(empty).to_be_visible()
    expect(bulk).to_be_hidden()
    expect(page.locator(".queue-keys")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(bulk).to_contain_text("1 comment")
    expect(bulk).to_be_visible()
    expect(empty).to_be_hidden()


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_name_and_sign_out_stay_on_one_line(room: Room, visit: Callable[..., Visit], width: int) -> None:
    page = room.open(visit(viewport={"width": width, "height": 800}))
    name, sign_out = page.locator(".owner-name").bounding_box(), page.locator(".owner-sign-out").bounding_box()
    assert name
    assert sign_out
    assert abs(name["y"] + name["height"] / 2 - sign_out["y"] - sign_out["height"] / 2) < 2
    assert width - 26 < sign_out["x"] + sign_out["width"] <= width or width == 1280


def test_keys_do_nothing_while_typing(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("Untouched")
    page = room.open(visit())
    page.locator("#queue-words").focus()
    page.keyboard.type("jakasr")
    expect(page.locator("#queue-words")).to_have_value("jakasr")
    expect(page.locator(".queued-done")).to_have_count(0)


def test_owner_answers_in_place(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("A question")
    page = room.open(visit())
    item = queued(page, "A question")
    page.keyboard.press("a")
    page.locator(f"{item} .reply-link").click()
    page.locator(f"{item} textarea").fill("An answer")
    assert_accessible(page)
    page.locator(f"{item} form.comment-form button[type=submit]").first.click()
    expect(page.locator(f"{item} textarea")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("Your comment is posted.")
    page.goto(f"{room.server.url}/articles/{room.slug}")
    expect(page.locator(".replies .comment-body")).to_have_text("An answer")


def test_waiting_comment_is_approved_on_the_articles_page(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("In its place")
    page = room.open(visit(), f"/articles/{room.slug}")
    comment = page.locator("article.comment", has_text="In its place")
    expect(comment.locator(".waiting")).to_have_text("Awaiting approval. Readers cannot see it.")
    assert_accessible(page)
    comment.get_by_role("button", name="Approve").click()
    expect(comment.locator(".waiting")).to_have_count(0)
    expect(page.locator("#comment-count")).to_have_attribute("data-count", "1")
    reader = visit().page
    reader.goto(f"{room.server.url}/articles/{room.slug}")
    expect(reader.locator(".comment-body")).to_have_text("In its place")
    assert reader.locator(".moderation, .article-settings").count() == 0
    page.locator(".undo button").click()
    expect(comment.locator(".waiting")).to_have_count(1)
    expect(page.locator("#comment-count")).to_have_attribute("data-count", "0")


def test_deletion_for_good_and_ban_ask_in_place(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("To be erased")
    page = room.open(visit())
    item = queued(page, "To be erased")
    page.locator(f"{item} [id^=ban-link]").click()
    expect(page.locator(f"{item} .ban-form button").first).to_be_focused()
    assert_accessible(page)
    page.locator(f"{item} .cancel").click()
    expect(page.locator(f"{item} .ban-form")).to_have_count(0)
    page.locator(f"{item} [id^=erase-link]").click()
    expect(page.locator(f"{item} .comment-form button")).to_be_focused()
    assert_accessible(page)
    page.keyboard.press("Enter")
    expect(page.locator(item)).to_contain_text("The comment is deleted for good.")
    expect(page.locator(f"{item} .undo")).to_have_count(0)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_saved_rules_and_settings_are_confirmed(room: Room, visit: Callable[..., Visit], has_javascript: bool) -> None:
    room.publish("An insult")
    page = room.open(visit(java_script_enabled=has_javascript), f"/articles/{room.slug}")
    page.locator(".article-settings summary").click()
    page.locator(".article-settings button").click()
    expect(page.locator("#status")).to_have_text("Your changes are saved.")
    expect(page.locator("#status")).to_be_in_viewport()
    page.get_by_role("link", name="Ban").click()
    page.get_by_role("button", name="For a week").click()
    expect(page.locator("#status")).to_have_text("The author of the comment is banned.")
    page.goto(f"{room.server.url}/owner/comments/rules")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#status")).to_have_text("Your changes are saved.")
    for left in (1, 0):  # the bans of the network and of the browser; other tests post from the same network
        page.get_by_role("button", name="Lift").first.click()
        expect(page.locator(".bans li")).to_have_count(left)
        expect(page.locator("#status")).to_have_text("The ban is lifted.")
        expect(page.locator("#status")).to_be_focused()


def test_ended_session_repeats_the_press_after_signing_in(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("Kept")
    owner = visit()
    owner.allow("401")
    page = room.open(owner)
    item = queued(page, "Kept")
    with room.blog.app_context(), write_transaction() as session:
        end_all_sessions(session, save_owner(session, NAME, hash_password(PASSWORD)).id)
    page.keyboard.press("s")
    page.locator("#sign-in-again [name=name]").fill(NAME)
    page.locator("#sign-in-again [name=password]").fill(PASSWORD)
    page.locator("#sign-in-again button").click()
    expect(page.locator(item)).to_contain_text("The comment is marked as spam.")


@pytest.mark.parametrize("has_javascript", [True, False])
def test_thread_is_locked_and_pinned_on_the_articles_page(
    room: Room, visit: Callable[..., Visit], has_javascript: bool
) -> None:
    room.publish("First thread", "Second thread")
    page = room.open(visit(java_script_enabled=has_javascript), f"/articles/{room.slug}")
    thread = page.locator(".threads > .item", has_text="Second thread")
    for button, sentence, mark in [
        ("Lock thread", "The thread is locked.", "This thread is locked."),
        ("Pin", "The thread is pinned.", "Pinned"),
    ]:
        thread.get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".notice" if has_javascript else "#status")).to_contain_text(sentence)
        expect(page.locator("#status")).to_contain_text(sentence)
        expect(thread.get_by_text(mark, exact=True)).to_have_count(1)
        if has_javascript:
            expect(thread.locator("article")).to_be_focused()
            assert_accessible(page)
    thread.get_by_role("button", name="Unpin").click()
    expect(page.locator("#status")).to_contain_text("The thread is no longer pinned.")
    expect(thread.locator(".pinned")).to_have_count(0)
    thread.get_by_role("button", name="Unlock thread").click()
    expect(page.locator("#status")).to_have_text("The thread is no longer locked.")
    expect(thread.locator(".closed")).to_have_count(0)
    expect(thread.get_by_role("button", name="Lock thread")).to_have_count(1)


def test_lock_is_repeated_after_signing_in(room: Room, visit: Callable[..., Visit]) -> None:
    room.publish("A thread")
    owner = visit()
    owner.allow("401")
    page = room.open(owner, f"/articles/{room.slug}")
    with room.blog.app_context(), write_transaction() as session:
        end_all_sessions(session, save_owner(session, NAME, hash_password(PASSWORD)).id)
    page.get_by_role("button", name="Lock thread").click()
    page.locator("#sign-in-again [name=name]").fill(NAME)
    page.locator("#sign-in-again [name=password]").fill(PASSWORD)
    page.locator("#sign-in-again button").click()
    expect(page.locator(".notice")).to_have_text("The thread is locked.")
    expect(page.get_by_role("button", name="Unlock thread")).to_have_count(1)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_checked_comments_go_to_spam_and_come_back(
    room: Room, visit: Callable[..., Visit], has_javascript: bool
) -> None:
    room.post("First spam", "Second spam", "An honest word")
    page = room.open(visit(java_script_enabled=has_javascript))
    for body in ("First spam", "Second spam"):
        page.locator(f"{queued(page, body)} input[type=checkbox]").check()
    page.locator("#bulk").get_by_role("button", name="Spam").click()
    expect(page.locator("#status")).to_have_text("2 comments are marked as spam.")
    expect(page.locator(".queued")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".queued")).to_have_count(3)
    page.locator("#bulk-all").check()
    page.locator("#bulk").get_by_role("button", name="Delete for good").click()
    expect(page.locator("form.comment-form")).to_contain_text("Delete all comments that match for good?")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("#status")).to_have_text("3 comments are deleted for good.")
    expect(page.locator(".queue-empty")).to_have_count(1)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_hint_about_keys_is_shown_where_they_work(
    room: Room, visit: Callable[..., Visit], has_javascript: bool
) -> None:
    room.post("One", "Two")
    page = room.open(visit(java_script_enabled=has_javascript))
    expect(page.locator(".queue-keys")).to_be_visible(visible=has_javascript)
    page.locator(f"{queued(page, 'One')} input[type=checkbox]").check()
    page.locator("#bulk").get_by_role("button", name="Spam").click()
    expect(page.locator(".queued")).to_have_count(1)
    expect(page.locator(".queue-keys")).to_be_visible(visible=has_javascript)


def test_message_has_the_focus_when_no_comment_is_left(room: Room, visit: Callable[..., Visit]) -> None:
    room.post("One", "Two")
    page = room.open(visit())
    page.locator("#bulk-all").check()
    page.locator("#bulk").get_by_role("button", name="Spam").click()
    expect(page.locator("#status")).to_have_text("2 comments are marked as spam.")
    expect(page.locator("#status")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#moderation a").first).to_be_focused()


@pytest.mark.parametrize("width", [375, 1280])
def test_pages_are_accessible_and_fit(room: Room, visit: Callable[..., Visit], width: int) -> None:
    room.post("Buy https://a.example https://a-very-long-host-name-that-must-wrap-somewhere.example https://b.example")
    page = room.open(visit(viewport={"width": width, "height": 800}))
    pages = (
        f"/owner/comments?article={room.slug}",
        "/owner/comments?status=removed&words=nothing",
        "/owner/comments/rules",
        f"/articles/{room.slug}",
    )
    for path in pages:
        page.goto(room.server.url + path)
        if page.locator(".article-settings summary").count():
            page.locator(".article-settings summary").click()
        if width == 375:
            assert_accessible_in_both_schemes(page)
        else:
            assert_accessible(page, skip_colors=True)  # they are the same
        assert page.evaluate("document.documentElement.scrollWidth") <= width
