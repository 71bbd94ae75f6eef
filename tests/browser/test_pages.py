"""Every page: accessibility, colour schemes, widths, writing direction and weight."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Visit, add_article, assert_accessible, assert_accessible_in_both_schemes, write
from tests.harness.server import Server

Visits = Callable[..., Visit]
Articles = Callable[..., str]


@pytest.fixture(scope="session")
def conversation(server: Server, blog: Flask) -> str:
    """The address of an article with a deep thread and a right-to-left comment."""
    address = add_article(server, blog, lang="fr")
    client, path = blog.test_client(), urlsplit(address).path + "/comments"
    form = {"author_name": "Ada", "body": "Une question, avec `code` et [lien](https://example.org)\n\n> citée"}
    for depth in range(6):
        answer = client.post(path, data=form)
        assert answer.status_code == 303
        parent = answer.headers["Location"].rpartition("-")[2]
        body = "תשובה קצרה" if depth == 1 else f"Réponse {depth}"
        form = {"author_name": f"Nom {depth}", "body": body, "parent_id": parent}
    return address


def test_pages_have_no_accessibility_violations(visit: Visits, server: Server, conversation: str) -> None:
    visitor = visit()
    visitor.allow("status of 404")
    page = visitor.page
    pages = [f"{server.url}{path}" for path in ("/", "/nowhere", "/privacy", "/privacy?lang=fr", "/owner/sign-in")]
    for address in (*pages, conversation):
        page.goto(address)
        assert_accessible_in_both_schemes(page)
    page.goto(server.url + (page.locator(".reply-link").first.get_attribute("href") or ""))
    assert_accessible_in_both_schemes(page)


def test_edit_and_delete_pages_have_no_accessibility_violations(
    visit: Visits, server: Server, article: Articles
) -> None:
    page = visit().page
    page.goto(article())
    write(page, "Mine")
    expect(page.locator(".comment")).to_have_count(1)
    paths = [page.locator(f"[id^={name}-link]").get_attribute("href") or "" for name in ("edit", "delete")]
    for path in paths:
        page.goto(server.url + path)
        assert_accessible_in_both_schemes(page)


def overflow(page: Page) -> int:
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


def test_no_page_overflows_the_window(visit: Visits, server: Server, conversation: str) -> None:
    page = visit().page
    for address in (f"{server.url}/", conversation):
        for width in (320, 375, 1280, 3840):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address)
            assert overflow(page) <= 0, (address, width)


# Every element that the Markdown of an article can produce.
SPECIMEN = """
Text<sup>1</sup> H<sub>2</sub>O <kbd>Ctrl</kbd> <mark>marked</mark> <del>old</del> <ins>new</ins> <samp>out</samp>
<abbr title="World Wide Web">WWW</abbr> <q>quoted</q> <cite>A book</cite> <var>x</var> <small>small</small>,[^1] `code`.

## Two

### Three

#### Four

##### Five

###### Six

- one
    1. nested
- [ ] to do
- [x] done

<dl><dt>Term</dt><dd>Meaning</dd></dl>

> Quoted *text*.

```
a_line_of_code_that_is_longer_than_any_telephone_is_wide = "and so its line has to wrap inside of its box"
```

`an_identifier_that_is_longer_than_any_telephone_is_wide_and_has_to_break_somewhere_inside_its_line`

| Left | Centre | Right |
|:-----|:------:|------:|
| a | b | 1.00 |

<figure><img src="/static/icon.svg" alt="Icon" width="900" height="900"><figcaption>Caption</figcaption></figure>

---

<details open><summary>More</summary><p>Text</p></details>

[^1]: A note.
"""


@pytest.mark.parametrize(("lang", "scheme"), [("en", "light"), ("he", "dark")])
def test_article_with_every_element_fits_and_is_accessible(
    visit: Visits, article: Articles, lang: str, scheme: str
) -> None:
    page = visit(color_scheme=scheme, viewport={"width": 375, "height": 800}).page
    page.goto(article(lang=lang, text=SPECIMEN))
    assert overflow(page) <= 0
    assert_accessible(page)
    assert page.locator(".article-body td").last.evaluate("cell => getComputedStyle(cell).textAlign") == "right"
    assert page.locator(".task").first.evaluate("item => getComputedStyle(item).listStyleType") == "none"


def test_title_of_one_long_word_overflows_no_list(visit: Visits, server: Server, article: Articles) -> None:
    page = visit(has_touch=True, viewport={"width": 375, "height": 800}).page
    word = "Donaudampfschifffahrt" * 10
    article(title=word)
    address = article(title="Other")
    for each in (f"{server.url}/", f"{server.url}/archive", f"{server.url}/search?q={word}", address):
        page.goto(each)
        link = page.get_by_role("link", name=word, exact=True).first
        expect(link).to_be_visible()
        assert overflow(page) <= 0
        # What is too wide may also be cut off.
        assert link.evaluate("link => link.getBoundingClientRect().width") <= 375


def test_printed_article_names_its_blog_and_keeps_the_proportions_of_pictures(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article(text="![Tall](/static/icon.svg)"))
    page.emulate_media(media="print")
    expect(page.locator(".site-title")).to_be_visible()
    picture = page.locator(".article-body img")
    picture.evaluate("(each) => Object.assign(each, {width: 300, height: 3000})")
    box = picture.bounding_box()
    assert box
    assert round(box["width"]) == round(box["height"])


def test_lines_are_between_60_and_70_characters_long(visit: Visits, article: Articles) -> None:
    page = visit(viewport={"width": 1280, "height": 800}).page
    page.goto(article())
    lines = page.evaluate(
        """() => {
          const text = document.querySelector(".article-body p").firstChild;
          const range = document.createRange();
          const lines = new Map();
          for (let i = 0; i < text.length; i += 1) {
            range.setStart(text, i);
            range.setEnd(text, i + 1);
            const top = Math.round(range.getBoundingClientRect().top);
            lines.set(top, (lines.get(top) ?? 0) + 1);
          }
          return [...lines.values()].slice(0, -1);
        }"""
    )
    assert 58 <= sum(lines) / len(lines) <= 72


@pytest.fixture(scope="session")
def fifty_comments(server: Server, blog: Flask) -> str:
    """The address of an article with 50 comments, nine of them replies to the first."""
    address = add_article(server, blog)
    client, path = blog.test_client(), urlsplit(address).path + "/comments"
    parent = ""
    for number in range(50):
        body = f"Remark number {number}. " + "Well sung. " * 9
        form = {"author_name": f"Visitor {number}", "body": body, "parent_id": parent if number < 10 else ""}
        answer = client.post(path, data=form)
        assert answer.status_code == 303
        parent = parent or answer.headers["Location"].rpartition("-")[2]
    return address


def test_page_with_fifty_comments_is_at_most_40_kb_in_4_requests(visit: Visits, fifty_comments: str) -> None:
    visitor = visit()
    visitor.page.goto(fifty_comments)
    expect(visitor.page.locator("#view-count")).to_have_text(re.compile("views?$"))
    expect(visitor.page.locator(".comment")).to_have_count(50)
    assert len([request for request in visitor.requests if not request.url.endswith("/icon.svg")]) <= 4
    sizes = [request.sizes() for request in visitor.requests]
    assert sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes) <= 40_000


def test_comments_cost_little_before_they_are_read(visit: Visits, fifty_comments: str) -> None:
    page = visit(viewport={"width": 412, "height": 823}).page
    with page.expect_response("**/views"):
        page.goto(fifty_comments)
    times = page.locator(".comment time")
    expect(times.first).to_have_text("just now")
    # Replies, too, are laid out when they come near the window; till then they show the server's text.
    for distant in (page.locator(".replies time").last, times.last):
        expect(distant).to_have_text(re.compile(r"\d{4}"))
    # htmx gets the links and buttons of a comment when one of them is used.
    assert page.locator("#comment-list [data-htmx-powered]").count() == 0
    like = page.locator(".comment").last.locator(".like-button")
    with page.expect_response("**/likes*") as answer:
        like.click()
    assert answer.value.request.headers["hx-request"] == "true"
    expect(times.last).to_have_text("just now")
    expect(like).to_have_attribute("aria-pressed", "true")


def test_orders_of_comments_stand_side_by_side(visit: Visits, fifty_comments: str) -> None:
    page = visit(viewport={"width": 1280, "height": 800}).page
    page.goto(fifty_comments)
    boxes = [each.bounding_box() for each in page.locator(".sorts > *").all()]
    for left, right in pairwise(boxes):
        assert left
        assert right
        assert 0 < right["x"] - left["x"] - left["width"] < 40


def test_links_to_comments_and_printing_reach_what_is_not_laid_out(visit: Visits, fifty_comments: str) -> None:
    page = visit(viewport={"width": 412, "height": 823}).page
    page.goto(fifty_comments)
    reply = page.locator(".replies .comment").last
    page.goto(f"{fifty_comments}#{reply.get_attribute('id')}")
    expect(reply).to_be_in_viewport()
    expect(reply.locator("time")).to_have_text("just now")
    page.locator("#print-comments").check()
    page.emulate_media(media="print")
    shown = "all => all.every(each => each.checkVisibility({contentVisibilityAuto: true}))"
    assert page.locator(".comment-body").evaluate_all(shown)


def test_focus_in_the_form_does_not_restyle_the_comments(visit: Visits, browser: Browser, fifty_comments: str) -> None:
    """A selector that makes it do so takes a slow telephone 25 ms, several times for each comment that is posted."""
    page = visit(viewport={"width": 412, "height": 823}).page
    page.goto(f"{fifty_comments}#comments")
    page.locator("#comment-form").scroll_into_view_if_needed()
    expect(page.locator("#comment-form .field-row")).to_be_hidden()
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    page.locator("#comment-form [name=body]").click()
    expect(page.locator("#comment-form .field-row")).to_be_visible()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    elements = [event["args"].get("elementCount", 0) for event in events if event["name"] == "UpdateLayoutTree"]
    in_form = page.locator("#comment-form *, .preview-box, .preview-box *").count()
    assert 0 < max(elements) <= in_form


def test_links_to_top_and_bottom_of_page_work(visit: Visits, article: Articles) -> None:
    page = visit().page
    page.goto(article(lang="fr", paragraphs=30))
    page.get_by_role("link", name="Bas de page").click()
    expect(page.locator("#bottom")).to_be_in_viewport()
    page.get_by_role("link", name="Haut de page").click()
    expect(page.locator("#top")).to_be_in_viewport()


def test_right_to_left_page_is_mirrored(visit: Visits, article: Articles) -> None:
    page = visit(viewport={"width": 1280, "height": 900}).page
    page.goto(article(lang="he"))
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    write(page, "מה שלומך?", name="נועה")
    expect(page.locator("#comment-count")).to_have_text("תגובה אחת")
    page.get_by_role("link", name="תשובה אל נועה").click()
    write(page, "All well, thank you.", name="Ada", form=".reply-slot form")
    expect(page.locator("#comment-count")).to_have_text("2 תגובות")
    root, answer = (page.locator(".comment").nth(number).bounding_box() for number in (0, 1))
    assert root
    assert answer
    # Replies are indented from the right; left-to-right text stays left-to-right.
    assert answer["x"] + answer["width"] < root["x"] + root["width"]
    assert abs(answer["x"] - root["x"]) < 2
    direction = "body => getComputedStyle(body).direction"
    assert page.locator(".comment-body").nth(0).evaluate(direction) == "rtl"
    assert page.locator(".comment-body").nth(1).evaluate(direction) == "ltr"
    assert overflow(page) <= 0
    assert_accessible_in_both_schemes(page)


def test_descriptions_for_search_engines_are_no_violation_of_the_policy(
    visit: Visits, server: Server, article: Articles
) -> None:
    page = visit().page  # the fixture fails if the browser reports a violation
    for address in (server.url, article(text="</script><script>document.title = 'run'</script>")):
        page.goto(address)
        block = page.locator('script[type="application/ld+json"]')
        assert page.evaluate("text => JSON.parse(text)", block.text_content())["@context"] == "https://schema.org"
        assert page.title() != "run"
