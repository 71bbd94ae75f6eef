"""One view per browser and day is counted, if the page is visible and the reader has not opted out."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from blogapp.articles.models import Article
from blogapp.db.base import db
from blogapp.view_counts.models import DailyReferrals
from tests.browser.conftest import Visit, assert_accessible, assert_accessible_in_both_schemes, numbers


def test_reloading_and_going_back_count_no_view(article: Callable[..., str], visit: Callable[..., Visit]) -> None:
    address = article(views=4)
    page = visit().page
    page.goto(address)
    count = page.locator("#view-count")
    expect(count).to_have_text("5 views")
    for _ in range(5):
        with page.expect_response("**/views"):
            page.reload()
        expect(count).to_have_text("5 views")
    for _ in range(5):
        page.goto("/".join(address.split("/")[:3]))
        page.go_back()
        expect(count).to_have_text("5 views")
    # The same browser without JavaScript is the same reader.
    assert number_after_a_visit(visit(java_script_enabled=False).page, address) == "5 views"


def number_after_a_visit(page: Page, address: str) -> str:
    """The count on a second visit: without JavaScript the first page is rendered before its view is counted. The second
    URL is not cached: a count in a cached page may be ten seconds old."""
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.goto(f"{address}?notice={next(numbers)}")
    page.wait_for_load_state("networkidle")
    return page.locator("#view-count").inner_text()


def test_reader_without_javascript_is_counted_once(article: Callable[..., str], visit: Callable[..., Visit]) -> None:
    address = article(views=4)
    page = visit(java_script_enabled=False).page
    for _ in range(3):
        assert number_after_a_visit(page, address) == "5 views"


def test_tab_left_open_sends_a_view_again_the_next_day(
    article: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    page = visit().page
    page.clock.install()
    with page.expect_response("**/views"):
        page.goto(article())
    expect(page.locator("#view-count")).to_have_text("1 view")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/views") else None)
    come_back = "document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(come_back)
    page.wait_for_load_state("networkidle")
    assert sent == []
    page.clock.fast_forward("25:00:00")
    with page.expect_response("**/views"):
        page.evaluate(come_back)
    # On the server it is still the same day.
    expect(page.locator("#view-count")).to_have_text("1 view")


def test_browser_with_gpc_or_dnt_is_not_counted(article: Callable[..., str], visit: Callable[..., Visit]) -> None:
    address = article(views=4)
    for headers in ({"Sec-GPC": "1"}, {"DNT": "1"}):
        for javascript in (True, False):
            page = visit(extra_http_headers=headers, java_script_enabled=javascript).page
            assert number_after_a_visit(page, address) == "4 views"


def test_headless_browser_is_not_counted(article: Callable[..., str], visit: Callable[..., Visit]) -> None:
    page = visit(user_agent=None).page
    with page.expect_response("**/views"):
        page.goto(article(views=4))
    expect(page.locator("#view-count")).to_have_text("4 views")


def test_view_count_links_to_its_explanation_in_the_articles_language(
    article: Callable[..., str], visit: Callable[..., Visit]
) -> None:
    page = visit(viewport={"width": 375, "height": 700}).page
    page.goto(article(lang="fr", views=4))
    page.locator(".counts").get_by_role("link", name="5 vues").click()
    expect(page.locator("#views")).to_be_in_viewport()
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.url.endswith("/privacy?lang=fr#views")
    assert_accessible(page)


def test_one_button_opts_out_of_counting_and_in_again(article: Callable[..., str], visit: Callable[..., Visit]) -> None:
    address = article(views=4)
    home = "/".join(address.split("/")[:3])
    for javascript in (True, False):
        visitor = visit(java_script_enabled=javascript)
        page = visitor.page
        page.goto(home + "/privacy")
        page.get_by_role("button", name="Do not count my views").click()
        again = page.get_by_role("button", name="Count my views again")
        expect(again).to_be_visible()
        if javascript:
            expect(page.locator("#status")).to_have_text("Your views are no longer counted.")
            expect(again).to_be_focused()
            assert_accessible(page)
        assert number_after_a_visit(page, address) == "4 views"
        page.goto(home + "/privacy")
        again.click()
        expect(page.get_by_role("button", name="Do not count my views")).to_be_visible()
        assert visitor.context.cookies() == []
    assert number_after_a_visit(page, address) == "5 views"


def test_only_the_host_of_a_referrer_is_stored(
    article: Callable[..., str], visit: Callable[..., Visit], blog: Flask
) -> None:
    address = article()
    visitor = visit()
    link = f'<a href="{address}">An article</a>'
    visitor.context.route(
        "http://news.example.org/**", lambda route: route.fulfill(body=link, content_type="text/html")
    )
    visitor.page.goto("http://news.example.org/a/private/path?q=secret")
    visitor.elsewhere.clear()
    visitor.page.get_by_role("link").click()
    expect(visitor.page.locator("#view-count")).to_have_text("1 view")
    with blog.app_context():
        kept = (
            select(DailyReferrals.host, DailyReferrals.views)
            .join(Article, Article.id == DailyReferrals.article_id)
            .where(Article.slug == address.rsplit("/", 1)[1])
        )
        assert db.session.execute(kept).all() == [("news.example.org", 1)]


def test_front_page_lists_the_most_read_articles(article: Callable[..., str], visit: Callable[..., Visit]) -> None:
    address = article()
    page = visit().page
    page.goto(address)
    expect(page.locator("#view-count")).to_have_text("1 view")
    reader = visit(viewport={"width": 375, "height": 700}).page
    reader.goto("/".join(address.split("/")[:3]))
    expect(reader.get_by_role("complementary", name="Most read in the last 30 days")).to_be_visible()
    assert_accessible_in_both_schemes(reader)
    assert reader.evaluate("document.documentElement.scrollWidth <= innerWidth")
