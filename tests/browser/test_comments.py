"""Read, comment and reply as a visitor, with and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit, assert_accessible, write

Visits = Callable[..., Visit]
Articles = Callable[..., str]

REFUSED = r"Failed to load resource: the server responded with a status of 4\d\d"


def test_posted_comment_appears_in_place_and_gets_the_focus(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    write(page, "First *words*")
    comment = page.locator("#comment-list .comment")
    expect(comment).to_have_count(1)
    expect(comment.locator("em")).to_have_text("words")
    expect(comment).to_be_focused()
    expect(page.locator("#comment-count")).to_have_text("1 comment")
    expect(page.locator("#status")).to_have_text("Your comment is posted.")
    expect(page.locator("#comment-form [name=body]")).to_have_value("")
    write(page, "Second words")
    expect(comment).to_have_count(2)
    expect(comment.nth(1)).to_be_focused()
    expect(page.locator("#comment-count")).to_have_text("2 comments")
    page.reload()
    expect(comment).to_have_count(2)


def test_french_page_has_french_texts(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article(lang="fr", views=1233))
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#comment-count")).to_have_text("0 commentaire")
    expect(page.locator("#view-count")).to_have_text("1\u202f234 vues", use_inner_text=False)
    assert page.locator("#view-count").text_content() == "1\u202f234 vues"
    write(page, "Bonjour !")
    expect(page.locator("#comment-count")).to_have_text("1 commentaire")
    expect(page.locator("#status")).to_have_text("Votre commentaire est publié.")


def test_reply_form_opens_at_the_comment_and_reply_appears_below(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    write(page, "Question")
    expect(page.locator("#comment-form [name=body]")).to_have_value("")
    page.locator("#comment-form [name=body]").fill("Half a thought")
    page.get_by_role("link", name="Reply to Ada").click()
    reply = page.locator(".reply-slot form")
    expect(reply.locator("[name=body]")).to_be_focused()
    assert_accessible(page)
    write(page, "Answer", name="Bob", form=".reply-slot form")
    answer = page.locator(".replies .comment")
    expect(answer).to_contain_text("Answer")
    expect(answer).to_be_focused()
    expect(reply).to_have_count(0)
    expect(page.locator("#comment-form [name=body]")).to_have_value("Half a thought")
    expect(page.locator("#comment-count")).to_have_text("2 comments")


def test_escape_and_cancel_close_a_reply_and_restore_the_focus(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    write(page, "Question")
    link = page.get_by_role("link", name="Reply to Ada")
    for close in ("Escape", "cancel"):
        link.click()
        body = page.locator(".reply-slot [name=body]")
        expect(body).to_be_focused()
        body.fill("Something")
        link.click()
        expect(body).to_have_value("Something")
        if close == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("link", name="Cancel").click()
        expect(page.locator(".reply-slot form")).to_have_count(0)
        expect(link).to_be_focused()


def test_invalid_input_shows_errors_and_keeps_the_text(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(REFUSED)
    page = visitor.page
    page.goto(article())
    page.locator("#comment-form [name=author_url]").fill("nonsense")
    write(page, "Kept", name="  ")
    expect(page.locator("[data-error-for=author_name]")).to_contain_text("Please enter a name")
    expect(page.locator("[data-error-for=author_url]")).to_contain_text("Please enter a web address")
    expect(page.locator("#comment-form [name=body]")).to_have_value("Kept")
    expect(page.locator("#comment-form [name=author_name]")).to_be_focused()
    assert_accessible(page)
    page.locator("#comment-form [name=author_url]").fill("https://example.org")
    write(page, "Kept and right")
    expect(page.locator("#comment-list .comment")).to_contain_text("Kept and right")
    expect(page.locator(".field-error")).to_have_count(0)


def test_double_click_posts_one_comment(visit: Visits, article: Articles) -> None:
    visitor = visit()
    # If the first click is answered before the second one, that one sends the new, empty form.
    visitor.allow(REFUSED)
    page = visitor.page
    page.goto(article())
    page.locator("#comment-form [name=body]").fill("Once")
    page.locator("#comment-form [name=author_name]").fill("Ada")
    page.locator("#comment-form [type=submit]").dblclick()
    expect(page.locator("#comment-list .comment")).to_have_count(1)
    page.reload()
    expect(page.locator("#comment-list .comment")).to_have_count(1)


def test_text_typed_during_a_post_is_kept(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow(REFUSED)
    page = visitor.page
    page.goto(article())
    held: list[Route] = []
    page.route("**/comments", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    body = page.locator("#comment-form [name=body]")
    for name, kept in (("Ada", "Already the next thought"), ("", "Already the one after that")):
        with page.expect_request("**/comments"):
            write(page, "Sent", name=name)
        body.fill(kept)
        held.pop().continue_()
        expect(page.locator("#comment-form [type=submit]")).to_be_enabled()
        expect(page.locator("#comment-list .comment")).to_have_count(1)
        expect(body).to_have_value(kept)


@pytest.mark.parametrize("form", ["#comment-form", ".reply-slot form"])
def test_typing_on_during_a_post_is_not_interrupted(visit: Visits, article: Articles, form: str) -> None:
    page = visit().page
    page.goto(article())
    write(page, "The first", name="Bob")
    expect(page.locator("#comment-list .comment")).to_have_count(1)
    if form != "#comment-form":
        page.get_by_role("link", name="Reply to Bob").click()
    held: list[Route] = []
    page.route("**/comments", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    body = page.locator(f"{form} [name=body]")
    with page.expect_request("**/comments"):
        write(page, "Sent.\nTwo lines", form=form)
    body.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type("\n\nThe next ")
    held.pop().continue_()
    expect(page.locator("#comment-list .comment")).to_have_count(2)
    expect(page.locator("#status")).to_have_text("Your comment is posted.")
    expect(body).to_be_focused()
    page.keyboard.type("thought")
    expect(body).to_have_value("The next thought")
    page.reload()
    expect(body).to_have_value("The next thought")


def test_typing_on_during_a_save_keeps_the_edit_open(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    write(page, "Original")
    expect(page.locator("#comment-list .comment")).to_have_count(1)
    page.get_by_role("link", name="Edit").click()
    held: list[Route] = []
    page.route("**/edit", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    body = page.locator(".reply-slot [name=body]")
    body.fill("Edited")
    with page.expect_request(lambda request: request.method == "POST"):
        page.get_by_role("button", name="Save").click()
    body.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" and")
    held.pop().continue_()
    expect(page.locator(".comment-body")).to_have_text("Edited")
    expect(body).to_be_focused()
    expect(body).to_have_value("Edited and")


def test_text_is_kept_after_a_failed_post_and_can_be_sent_again(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource|htmx:error|Failed to fetch")
    page = visitor.page
    page.goto(article())
    page.route("**/comments", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
    write(page, "Important")
    expect(page.locator(".form-failure")).to_have_text("Connection failed. Your text is saved here.")
    expect(page.locator("#comment-form [name=body]")).to_have_value("Important")
    page.unroute("**/comments")
    page.locator("#comment-form [type=submit]").click()
    expect(page.locator("#comment-list .comment")).to_have_count(1)


def test_comment_sent_again_after_a_lost_response_is_posted_once(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource|htmx:error|Failed to fetch")
    page = visitor.page
    page.goto(article())

    def lose_the_answer(route: Route) -> None:
        if route.request.method == "POST":
            assert route.fetch().status == 201
            route.abort()
        else:
            route.continue_()

    page.route("**/comments", lose_the_answer)
    write(page, "Once")
    expect(page.locator(".form-failure")).to_have_text("Connection failed. Your text is saved here.")
    page.unroute("**/comments")
    page.locator("#comment-form [type=submit]").click()
    expect(page.locator(".comment")).to_have_count(1)
    page.reload()
    expect(page.locator(".comment")).to_have_count(1)


def test_server_error_is_shown_beside_the_form(visit: Visits, article: Articles) -> None:
    visitor = visit()
    visitor.allow("Failed to load resource")
    page = visitor.page
    page.goto(article())
    page.route(
        "**/comments",
        lambda route: (
            route.fulfill(
                status=503,
                headers={"Blogapp-Response": "1"},
                body="<span data-error><strong>Back in a moment</strong> Try again.</span>",
            )
            if route.request.method == "POST"
            else route.continue_()
        ),
    )
    write(page, "Important")
    expect(page.locator("#comment-form .form-failure")).to_contain_text("Back in a moment")
    expect(page.locator("#comment-form [name=body]")).to_have_value("Important")


def test_everything_works_with_the_keyboard_alone(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article())
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.keyboard.press("Enter")
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.name || document.activeElement.id")
        seen.append(name)
        if name == "body":
            break
    assert "homepage" not in seen
    assert seen[-1] == "body"
    page.keyboard.type("Typed")
    page.keyboard.press("Tab")
    page.keyboard.type("Ada")
    for _ in ("link", "post"):
        page.keyboard.press("Tab")
    expect(page.locator("#comment-form [type=submit]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#comment-list .comment")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Reply to Ada")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".reply-slot [name=body]")).to_be_focused()


def test_page_counts_one_view_and_shows_it(visit: Visits, article: Articles) -> None:
    visitor = visit()
    address = article(views=4)
    visitor.page.goto(address)
    expect(visitor.page.locator("#view-count")).to_have_text("5 views")
    visitor.page.wait_for_timeout(300)
    assert len([request for request in visitor.requests if request.url.endswith("/views")]) == 1


def test_everything_works_without_javascript(visit: Visits, article: Articles) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.allow(REFUSED)
    page = visitor.page
    address = article(views=4)
    page.goto(address)
    expect(page.locator("#view-count")).to_have_text("4 views")
    page.goto(f"{address}?sort=newest")  # not cached yet: a count in a cached page may be ten seconds old
    expect(page.locator("#view-count")).to_have_text("5 views")
    page.goto(address)
    write(page, "Plain words")
    assert re.search(r"#comment-\d+$", page.url)
    expect(page.locator(".comment:target")).to_contain_text("Plain words")
    page.get_by_role("link", name="Reply to Ada").click()
    expect(page.locator("h1")).to_have_text("Reply to Ada")
    write(page, "Plain answer", name="")
    expect(page.locator("[data-error-for=author_name]")).to_be_visible()
    expect(page.locator("[name=body]")).to_have_value("Plain answer")
    write(page, "Plain answer", name="Bob")
    expect(page.locator(".replies .comment:target")).to_contain_text("Plain answer")
    write(page, " ", name="Ada")
    expect(page.locator("[data-error-for=body]")).to_have_text("Please write a comment.")
    expect(page.locator(".comment")).to_have_count(2)
    page.get_by_role("link", name="Refresh").click()
    expect(page.locator(".comment")).to_have_count(2)
