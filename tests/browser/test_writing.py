"""Preview, drafts, characters left, edits, deletions, likes and old links."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from blogapp.comments.models import Comment
from blogapp.db.base import db
from tests.browser.conftest import Visit, assert_accessible, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]

REFUSED = r"Failed to load resource: the server responded with a status of 4\d\d"


def posted(page: Page, text: str, name: str = "Ada") -> None:
    before = page.locator(".comment").count()
    write(page, text, name)
    expect(page.locator(".comment")).to_have_count(before + 1)
    expect(page.locator("#comment-form [name=body]")).to_have_value("")


def test_preview_shows_what_will_be_posted(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    page.locator("#comment-form [name=body]").fill("*Seen* before")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview-comment-form em")).to_have_text("Seen")
    expect(page.locator(".comment")).to_have_count(0)
    expect(page.locator("#comment-form [name=body]")).to_have_value("*Seen* before")
    assert_accessible(page)
    page.locator("#comment-form [name=author_name]").fill("Ada")
    page.locator("#comment-form [type=submit]").click()
    expect(page.locator(".comment")).to_have_count(1)
    expect(page.locator("#preview-comment-form")).to_be_empty()


def test_preview_without_javascript_keeps_the_text(visit: Visits, article: Articles) -> None:
    page = visit(java_script_enabled=False).page
    page.goto(article())
    page.locator("[name=body]").fill("*Seen* before")
    page.locator("[name=author_name]").fill("Ada")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".preview em").first).to_have_text("Seen")
    page.locator("#comment-form [type=submit]").click()
    expect(page.locator(".comment:target em")).to_have_text("Seen")


def test_formatting_help_opens(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    page.get_by_text("Formatting").click()
    expect(page.locator(".help dd strong")).to_be_visible()
    assert_accessible(page)


def test_characters_left_are_announced_at_thresholds_only(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.clock.install(time=datetime(2026, 1, 2, 12, 0, tzinfo=UTC))
    with page.expect_response("**/views"):
        page.goto(article())
    expect(page.locator("#view-count.htmx-request")).to_have_count(0)  # or it would time out
    # The clock stands still: typing the texts may take more than a second.
    page.clock.pause_at(datetime(2026, 1, 2, 13, 0, tzinfo=UTC))
    left = page.locator("#comment-form .left")
    spoken = page.locator("#comment-form .left-spoken[role=status]")
    body = page.locator("#comment-form [name=body]")
    expect(left).not_to_have_attribute("role", "status")
    body.fill("x" * 4000)
    expect(left).to_be_hidden()
    for length in range(4510, 4520):
        body.fill("x" * length)
        expect(left).to_have_text(f"{5000 - length} characters left")
    expect(spoken).to_be_empty()
    page.clock.fast_forward(1_100)
    expect(spoken).to_have_text("481 characters left")
    body.fill("x" * 4600)
    page.clock.fast_forward(5_000)
    expect(left).to_have_text("400 characters left")
    expect(spoken).to_have_text("481 characters left")
    body.fill("😀" * 4999)
    expect(left).to_have_text("1 character left")
    page.clock.fast_forward(1_100)
    expect(spoken).to_have_text("1 character left")
    body.fill("x" * 5010)
    expect(left).to_have_text("10 characters too many")
    page.clock.fast_forward(1_100)
    expect(spoken).to_have_text("10 characters too many")
    page.clock.resume()  # axe uses timers
    assert_accessible(page)


def test_ctrl_enter_posts(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    page.locator("#comment-form [name=author_name]").fill("Ada")
    page.locator("#comment-form [name=body]").fill("Quick")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".comment")).to_contain_text("Quick")


def test_drafts_survive_a_reload_in_every_form_and_are_deleted_when_posted(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    posted(page, "One")
    posted(page, "Two", "Bob")
    page.locator("#comment-form [name=body]").fill("A draft")
    for name in ("Ada", "Bob"):
        page.get_by_role("link", name=f"Reply to {name}").click()
        field = page.locator(f"form[aria-label='Reply to {name}'] [name=body]")
        expect(field).to_be_focused()
        field.fill(f"Answer to {name}")
    page.reload()
    expect(page.locator("#comment-form [name=body]")).to_have_value("A draft")
    for name in ("Ada", "Bob"):
        expect(page.locator(f"form[aria-label='Reply to {name}'] [name=body]")).to_have_value(f"Answer to {name}")
    form = "form[aria-label='Reply to Ada']"
    page.locator(f"{form} [name=author_name]").fill("Cleo")
    page.locator(f"{form} button[type=submit]").click()
    expect(page.locator(".replies .comment")).to_contain_text("Answer to Ada")
    expect(page.locator("form[aria-label='Reply to Bob'] [name=body]")).to_have_value("Answer to Bob")
    page.reload()
    expect(page.locator("form[aria-label='Reply to Bob'] [name=body]")).to_have_value("Answer to Bob")
    expect(page.locator(form)).to_have_count(0)
    expect(page.locator("#comment-form [name=body]")).to_have_value("A draft")


def test_draft_expires_after_a_week(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    page.locator("#comment-form [name=body]").fill("Old thought")
    page.evaluate(
        """() => { for (const key of Object.keys(localStorage)) {
          const draft = JSON.parse(localStorage.getItem(key));
          localStorage.setItem(key, JSON.stringify({...draft, at: draft.at - 8 * 86400000}));
        } }"""
    )
    page.reload()
    expect(page.locator("#comment-form [name=body]")).to_have_value("")


def test_name_and_link_are_filled_in_from_the_last_comment(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    page.locator("#comment-form [name=author_url]").fill("https://example.org")
    posted(page, "One")
    page.reload()
    expect(page.locator("#comment-form [name=author_name]")).to_have_value("Ada")
    expect(page.locator("#comment-form [name=author_url]")).to_have_value("https://example.org")


def test_edit_can_be_cancelled_and_saved(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(REFUSED)
    page = visitor.page
    page.goto(article())
    posted(page, "Frist words")
    page.get_by_role("link", name="Edit").click()
    field = page.locator(".reply-slot [name=body]")
    expect(field).to_be_focused()
    assert_accessible(page)
    field.fill(" ")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".reply-slot [data-error-for=body]")).to_have_text("Please write a comment.")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Edit")).to_be_focused()
    page.get_by_role("link", name="Edit").click()
    expect(field).to_have_value("Frist words")
    field.fill("First words")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body")).to_have_text("First words")
    expect(page.locator(".edited")).to_be_visible()
    expect(page.locator(".reply-slot form")).to_have_count(0)
    expect(page.locator("#status")).to_have_text("Your changes are saved.")
    expect(page.locator(".comment")).to_be_focused()


def test_conflicting_edits_from_two_windows_show_both_texts(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(REFUSED)
    page = visitor.page
    page.goto(article())
    posted(page, "Original")
    other = visitor.context.new_page()
    other.goto(page.url)
    for window, text in ((page, "From here"), (other, "From there")):
        window.get_by_role("link", name="Edit").click()
        window.locator(".reply-slot [name=body]").fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".comment-body")).to_have_text("From here")
    other.get_by_role("button", name="Save").click()
    expect(other.locator(".form-refusal blockquote")).to_have_text("From here")
    expect(other.locator(".reply-slot [name=body]")).to_have_value("From there")
    other.get_by_role("button", name="Save").click()
    expect(other.locator(".comment-body")).to_have_text("From there")


def test_delete_own_comment(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    posted(page, "Regret")
    page.get_by_role("link", name="Delete").click()
    expect(page.get_by_role("button", name="Delete")).to_be_focused()
    assert_accessible(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".comment")).to_have_count(0)
    expect(page.locator("#comment-count")).to_have_text("0 comments")
    expect(page.locator("#status")).to_have_text("Your comment has been deleted.")


def test_like_can_be_added_and_removed(visit: Visits, article: Articles) -> None:
    address = article()
    visit_of_author = visit()
    visit_of_author.page.goto(address)
    posted(visit_of_author.page, "Sing!")
    expect(visit_of_author.page.locator(".like-button")).to_have_count(0)
    page = visit().page
    page.goto(address)
    button = page.locator(".like-button")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(button).to_have_text("1")
    expect(button).to_be_focused()
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    plain = visit(java_script_enabled=False).page
    plain.goto(address)
    plain.locator(".like-button").click()
    assert re.search(r"#comment-\d+$", plain.url)
    expect(plain.locator(".like-button")).to_have_text("1")


def test_times_are_relative(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article(lang="fr"))
    posted(page, "Bonjour")
    time = page.locator(".comment time")
    expect(time).to_have_text("à l’instant")
    assert re.fullmatch(r"\d+(er)? \w+ \d{4}\D+\d\d:\d\d", time.get_attribute("title") or "")


def test_newest_first_order_applies_to_new_comments(visit: Visits, article: Articles) -> None:
    page = visit().page
    address = article()
    page.goto(address)
    posted(page, "One")
    posted(page, "Two")
    page.reload()
    page.get_by_role("link", name="Newest first").click()
    assert "sort=newest" in page.url
    posted(page, "Three")
    expect(page.locator(".comment-body")).to_have_text(["Three", "Two", "One"])
    page.reload()
    expect(page.locator(".comment-body")).to_have_text(["Three", "Two", "One"])


def test_old_link_finds_a_comment_on_another_page(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    slug = address.rsplit("/", 1)[1]
    client = blog.test_client()
    for number in range(60):
        client.post(f"/articles/{slug}/comments", data={"author_name": "Ada", "body": f"{slug} {number}"})
    with blog.app_context():
        last = db.session.scalars(select(Comment.id).order_by(Comment.id.desc()).limit(1)).one()
    page = visit().page
    page.goto(f"{address}#comment-{last}")
    expect(page.locator(".comment:target")).to_contain_text(f"{slug} 59")
    plain = visit(java_script_enabled=False).page
    plain.goto(f"{address}#comment-{last}")
    expect(plain.locator(".elsewhere")).to_contain_text("The linked comment is on another page")
    plain.locator(".elsewhere a:visible").click()
    expect(plain.locator(".comment:target")).to_contain_text(f"{slug} 59")
    plain.goto(address)
    expect(plain.locator(".elsewhere")).to_be_hidden()


def test_link_in_a_comment_leads_to_a_comment_that_is_on_another_page_or_folded(
    visit: Visits, article: Articles, blog: Flask
) -> None:
    address = article()
    path = f"/articles/{address.rsplit('/', 1)[1]}/comments"
    client = blog.test_client()
    first, *_, last = [
        client.post(path, data={"author_name": "Ada", "body": f"{path} {number}"}).headers["Location"].partition("#")[2]
        for number in range(60)
    ]
    form = {
        "author_name": "Bob",
        "body": f"See [the last]({address}#{last})",
        "parent_id": first.removeprefix("comment-"),
    }
    answer = client.post(path, data=form).headers["Location"].partition("#")[2]
    page = visit().page
    page.goto(address)
    page.get_by_role("link", name="the last").click()
    expect(page.locator(".comment:target")).to_contain_text(f"{path} 59")
    page.go_back()
    page.locator("details.thread").first.evaluate("thread => { thread.open = false; }")
    expect(page.locator(f"#{answer}")).to_be_hidden()
    page.evaluate("id => { location.hash = id; }", answer)
    expect(page.locator(".comment:target")).to_contain_text("See the last")
    expect(page.locator(".comment:target")).to_be_in_viewport()


def test_more_comments_load_without_moving_the_page(visit: Visits, article: Articles, blog: Flask) -> None:
    address = article()
    slug = address.rsplit("/", 1)[1]
    client = blog.test_client()
    for number in range(60):
        client.post(f"/articles/{slug}/comments", data={"author_name": "Ada", "body": f"{slug} {number};"})
    page = visit().page
    page.goto(address)
    expect(page.locator(".comment")).to_have_count(50)
    more = page.get_by_role("link", name="More comments")
    more.scroll_into_view_if_needed()
    last, top = page.locator(".comment").nth(49), "element => Math.round(element.getBoundingClientRect().top)"
    # Comments that scrolling has brought near the window are laid out in the next frame.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    before = last.evaluate(top)
    more.click()
    expect(page.locator(".comment")).to_have_count(60)
    assert abs(last.evaluate(top) - before) <= 1  # rounded
    expect(page.get_by_role("link", name="More comments")).to_have_count(0)
