"""Pages of threads, refreshes and permalinks, and the number of queries that they need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from blogapp.articles.models import Article
from blogapp.comments.models import Comment, CommentInfo
from blogapp.comments.threads import INFO, conversation_of, read_comments
from blogapp.db.base import db
from blogapp.db.transactions import write_transaction
from tests.comments.conftest import HTMX, Post, WriteComments

pytestmark = pytest.mark.usefixtures("article")


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that reach the database, without those of transactions and of the page cache."""
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SELECT content_versions")):
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def last_id(session: Session) -> int:
    return session.scalars(select(Comment.id).order_by(Comment.id.desc()).limit(1)).one()


def test_number_of_queries_does_not_depend_on_the_number_of_comments(
    app: Flask, client: FlaskClient, post: Post, session: Session
) -> None:
    reader = app.test_client()
    reader.get("/articles/birds")  # reads the settings, the menu and the neighbours, which are cached
    costs: list[int] = []
    for _ in range(3):
        post("birds", body=f"Thread after {len(costs)}")
        parent = last_id(session)
        for number in range(12):
            post(
                "birds", body=f"Reply {len(costs)}.{number}", parent_id=str(parent if number % 2 else last_id(session))
            )
        with counted(app) as statements:
            assert reader.get("/articles/birds").status_code == 200
        costs.append(len(statements))
    assert costs == [6, 6, 6]


def test_comment_of_a_page_has_the_values_of_its_row(app: Flask, post: Post, session: Session) -> None:
    post("birds", author_url="https://ada.example")
    numbers = ("number", "depth", "published_in", "changed_in", "like_count", "revision", "reply_count")
    values = {name: value for value, name in enumerate(numbers, 10)}
    texts = {"edited_by": "Chloé", "fold_path": "0000012", "edited_at": datetime(2026, 1, 2, tzinfo=UTC)}
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Comment).values(**values, **texts, is_locked=True))
    comment, (info,) = session.scalars(select(Comment)).one(), read_comments(session, INFO)
    names = [*(each.name for each in fields(CommentInfo)), "is_published", "awaits_approval"]
    assert {name: getattr(info, name) for name in names} == {name: getattr(comment, name) for name in names}


def test_number_of_queries_of_the_front_page_does_not_depend_on_the_number_of_articles(
    app: Flask, publish_article: Callable[..., Article]
) -> None:
    costs = []
    for number in range(3):
        publish_article(slug=f"more-{number}", title=f"More {number}")
        with counted(app) as statements:
            assert app.test_client().get("/").status_code == 200
        costs.append(len(statements))
    assert costs == [8, 8, 8]


def test_refresh_with_nothing_new_reads_no_comment(app: Flask, post: Post) -> None:
    post("birds")
    with counted(app) as statements:
        answer = app.test_client().get("/articles/birds/comments?since=1", headers=HTMX)
    assert (answer.status_code, answer.data) == (204, b"")
    assert not any("FROM comments" in statement or "body_html" in statement for statement in statements)


def test_refresh_does_not_load_the_text_of_the_article(app: Flask, post: Post) -> None:
    post("birds")
    with counted(app) as statements:
        answer = app.test_client().get("/articles/birds/comments?since=0", headers=HTMX)
    assert "Hello" in answer.text
    assert not any("articles.body_html" in statement for statement in statements)


def test_refresh_returns_newer_comments_and_the_count(app: Flask, post: Post, session: Session) -> None:
    post("birds", body="One")
    first = last_id(session)
    post("birds", body="Two")
    post("birds", body="Answer", parent_id=str(first))
    reader = app.test_client()
    for cursor in (f"after={first}", "since=1"):
        answer = reader.get(f"/articles/birds/comments?{cursor}", headers=HTMX)
        assert answer.status_code == 200
        assert "Two" in answer.text
        assert "Answer" in answer.text
        assert "One" not in answer.text
        assert 'id="comment-count" data-count="3"' in answer.text
        assert f'hx-target="#comment-{first} ~ .replies, #comment-{first} ~ .thread > .replies"' in answer.text
        assert "2 new comments" in answer.text
        assert 'value="3"' in answer.text
    assert reader.get(f"/articles/birds/comments?after={last_id(session)}", headers=HTMX).status_code == 204
    assert "One" in reader.get("/articles/birds/comments?after=0", headers=HTMX).text


def added(answer: str) -> list[tuple[str, list[str]]]:
    """The targets of the partials of a refresh that add comments, and the ids of these comments."""
    partial = r'<hx-partial hx-target="([^"]+)" hx-swap="(?:before|after)\w+">(.*?)</hx-partial>'
    found = re.findall(partial, answer, re.DOTALL)
    return [(target, re.findall(r' id="comment-(\d+)"', html)) for target, html in found]


def test_refresh_contains_new_replies_inside_their_new_parents(app: Flask, write_comments: WriteComments) -> None:
    """htmx looks up all targets before it adds the first comment."""
    (old,) = write_comments(["Old"])
    with app.app_context():
        since = conversation_of(db.session(), 1).version
    (a,) = write_comments(["A"])
    (b,) = write_comments(["B"], a)
    (c,) = write_comments(["C"], b)
    (d,) = write_comments(["D"], old)
    (e,) = write_comments(["E"], d)
    answer = app.test_client().get(f"/articles/birds/comments?since={since}", headers=HTMX).text
    replies = f"#comment-{old} ~ .replies, #comment-{old} ~ .thread > .replies"
    assert added(answer) == [
        (replies, [str(d), str(e)]),
        ("#comment-list[data-takes-new]", [str(a), str(b), str(c)]),
    ]
    assert "5 new comments" in answer
    assert "2 replies" in answer


def test_refresh_at_its_limit_contains_the_parents_of_its_replies(
    app: Flask, client: FlaskClient, write_comments: WriteComments
) -> None:
    write_comments(["Old"])
    (root,) = write_comments(["Root"])
    replies = write_comments((f"Reply {number}" for number in range(60)), root)
    # Now the thread has changed after the replies, so it is not among the first changes.
    assert client.post(f"/comments/{root}/likes").status_code == 303
    reader, shown, since = app.test_client(), list[str](), 1
    with counted(app) as statements:
        answers = [reader.get(f"/articles/birds/comments?since={since}", headers=HTMX).text]
    assert len(statements) <= 7
    since = int(re.search(r'name="since" value="(\d+)"', answers[0])[1])  # type: ignore[index]
    answers.append(reader.get(f"/articles/birds/comments?since={since}", headers=HTMX).text)
    for answer in answers:
        shown += [each for _, ids in added(answer) for each in ids]
    assert shown == [str(each) for each in (root, *replies)]


def test_refresh_contains_a_reply_to_a_comment_that_was_deleted_since(
    app: Flask, client: FlaskClient, post: Post, session: Session
) -> None:
    post("birds", body="Old")
    post("birds", body="Deleted text")
    deleted = last_id(session)
    app.test_client().post(
        "/articles/birds/comments", data={"author_name": "Bob", "body": "Reply", "parent_id": str(deleted)}
    )
    client.post(f"/comments/{deleted}/delete")
    answer = app.test_client().get("/articles/birds/comments?since=1", headers=HTMX).text
    assert added(answer) == [("#comment-list[data-takes-new]", [str(deleted), str(deleted + 1)])]
    assert "Deleted text" not in answer
    assert "1 new comment<" in answer


def test_comments_address_without_htmx_is_the_article_page(client: FlaskClient, post: Post) -> None:
    post("birds", body="One")
    page = client.get("/articles/birds/comments?after=0")
    assert page.status_code == 200
    assert "<h1>Birds</h1>" in page.text


@pytest.mark.parametrize("query", ["after=x", "since=", "before=-1", "before=99999999999999999999", "at=0", "after=-5"])
@pytest.mark.parametrize("htmx", [True, False])
def test_unusual_cursor_causes_no_error(client: FlaskClient, post: Post, query: str, htmx: bool) -> None:
    post("birds", body="One")
    answer = client.get(f"/articles/birds/comments?{query}", headers=HTMX if htmx else {})
    assert answer.status_code in {200, 204, 404}


def test_pages_contain_every_thread_once(app: Flask, post: Post, write_comments: WriteComments) -> None:
    write_comments(f"Thread number {number}" for number in range(120))
    reader = app.test_client()
    found: list[int] = []
    address = "/articles/birds"
    while address:
        page = reader.get(address).text
        found += [int(number) for number in re.findall(r"Thread number (\d+)<", page)]
        more = re.search(r'rel="next" href="([^"#]+)', page)
        address = more.group(1).replace("&amp;", "&") if more else ""
        if len(found) == 50:
            post("birds", body="Posted between two pages")
    assert found == list(range(120))


def test_long_thread_shows_its_first_replies_and_loads_the_rest_on_demand(
    app: Flask, write_comments: WriteComments
) -> None:
    (root,) = write_comments(["Root"])
    write_comments((f"Reply number {number};" for number in range(90)), parent_id=root)
    reader = app.test_client()
    page = reader.get("/articles/birds").text
    found = [int(number) for number in re.findall(r">Reply number (\d+);", page)]
    assert found == list(range(10))
    assert "Show 80 more replies" in page
    while more := re.search(r'hx-get="(/comments/\d+/replies[^"]+)"', page):
        page = reader.get(more.group(1).replace("&amp;", "&"), headers=HTMX).text
        found += [int(number) for number in re.findall(r">Reply number (\d+);", page)]
    assert found == list(range(90))


def test_permalink_redirects_to_the_page_with_the_comment(app: Flask, write_comments: WriteComments) -> None:
    (root,) = write_comments(["Root"])
    deep = write_comments((f"Reply {number};" for number in range(60)), parent_id=root)[-1]
    late = write_comments(f"Thread {number};" for number in range(60))[-1]
    reader = app.test_client()
    first = reader.get(f"/comments/{root}")
    assert first.headers["Location"] == f"/articles/birds#comment-{root}"
    for number in (root + 1, deep, late):
        answer = reader.get(f"/comments/{number}")
        assert answer.status_code == 302
        assert answer.headers["Location"].endswith(f"#comment-{number}")
        page = reader.get(answer.headers["Location"].split("#")[0]).text
        assert f'id="comment-{number}"' in page


def test_comment_is_not_found_on_another_article(
    client: FlaskClient, post: Post, session: Session, publish_article: Callable[..., Article]
) -> None:
    publish_article(slug="bees")
    post("birds", body="One")
    assert client.get(f"/articles/bees/comments?at={last_id(session)}").status_code == 404


@pytest.mark.parametrize("sort", ["oldest", "newest", "liked"])
def test_threads_are_sorted_as_requested(
    app: Flask, write_comments: WriteComments, session: Session, sort: str
) -> None:
    write_comments(f"Thread number {number}" for number in range(60))
    with app.app_context():
        for comment in db.session.scalars(select(Comment)):
            comment.like_count = (comment.number * 7) % 13
        db.session.commit()
    rows = session.scalars(select(Comment)).all()
    orders = {
        "oldest": sorted(rows, key=lambda row: row.number),
        "newest": sorted(rows, key=lambda row: -row.number),
        "liked": sorted(rows, key=lambda row: (-row.like_count, -row.number)),
    }
    reader = app.test_client()
    found: list[str] = []
    address = f"/articles/birds?sort={sort}"
    while address:
        answer = reader.get(address)
        assert "Set-Cookie" not in answer.headers
        found += re.findall(r"<p>(Thread number \d+)<", answer.text)
        more = re.search(r'rel="next" href="([^"#]+)', answer.text)
        address = more.group(1).replace("&amp;", "&") if more else ""
    assert found == [row.body_source for row in orders[sort]]


@pytest.mark.parametrize("cursor", ["x", "1-x", "-", "--1", "1-2-3", "%00"])
@pytest.mark.parametrize("sort", ["oldest", "newest", "liked", "nonsense"])
def test_invalid_cursor_is_not_found(client: FlaskClient, cursor: str, sort: str) -> None:
    assert client.get(f"/articles/birds/comments?sort={sort}&before={cursor}").status_code in {200, 404}


def test_summary_of_a_thread_has_the_number_of_replies_and_their_authors(
    app: Flask, post: Post, session: Session
) -> None:
    post("birds", author_name="Ada", body="Root")
    root = last_id(session)
    for name in ("Bob", "Cleo", "Bob", "Dan", "Eve"):
        post("birds", author_name=name, body=f"{name} {last_id(session)}", parent_id=str(root))
    page = app.test_client().get("/articles/birds").text
    assert '<details class="thread" open>' in page
    assert "5 replies" in page
    names = re.search(r'class="summary-names">([^<]*)<', page)
    assert names
    assert re.sub("[\u2068\u2069]", "", names.group(1)) == "Bob, Cleo, Dan, and others"


def test_page_at_a_folded_reply_links_to_the_replies_after_it(app: Flask, write_comments: WriteComments) -> None:
    (root,) = write_comments(["Root"])
    write_comments((f"Reply number {number};" for number in range(120)), parent_id=root)
    reader = app.test_client()
    for start in (12, 80, 119):
        page = reader.get(f"/articles/birds/comments?at={root + 1 + start}").text
        assert "Earlier replies" in page
        found = [int(number) for number in re.findall(r">Reply number (\d+);", page)]
        while more := re.search(r'hx-get="(/comments/\d+/replies[^"]+)"', page):
            answer = reader.get(more.group(1).replace("&amp;", "&"), headers=HTMX)
            assert answer.status_code == 200
            page = answer.text
            found += [int(number) for number in re.findall(r">Reply number (\d+);", page)]
        assert found == list(range(start, 120))


def test_replies_of_a_long_thread_can_be_read_without_javascript(app: Flask, write_comments: WriteComments) -> None:
    (root,) = write_comments(["Root"])
    replies = write_comments((f"Reply number {number};" for number in range(8)), parent_id=root)
    for parent in (root, replies[-1], replies[3]):
        replies += write_comments((f"Reply number {number};" for number in range(73)), parent_id=parent)
    (deep,) = write_comments(["Deep"], parent_id=replies[-1])
    replies += [deep, *write_comments(["Deeper"], parent_id=deep)]
    write_comments(f"Thread {number}" for number in range(60))
    reader, address, found, costs = app.test_client(), "/articles/birds", set[int](), set[int]()
    reader.get("/articles/birds?sort=newest")  # reads the settings, the menu and the neighbours, which are cached
    while address:
        with counted(app) as statements:
            page = reader.get(address).text
        costs.add(len(statements))
        shown = {int(number) for number in re.findall(r' id="comment-(\d+)" data-parent', page)}
        assert not shown <= found
        found |= shown
        more = re.search(r'<a href="([^"#]+)#comment-(\d+)" rel="nofollow" hx-get', page)
        address = more[1] if more else ""
        assert not more or int(more[2]) in shown
    assert found == set(replies)
    assert costs == {6, 8}  # of the first page and of the others
    earlier = re.search(r'<a href="([^"]+)" rel="nofollow">Earlier replies', page)
    assert earlier
    page = reader.get(earlier[1], follow_redirects=True).text
    assert f'id="comment-{replies[0]}"' in page
    assert "Earlier replies" not in page


def test_more_replies_link_disappears_if_the_replies_were_deleted(
    app: Flask, client: FlaskClient, post: Post, session: Session
) -> None:
    post("birds", body="Root")
    root = last_id(session)
    for number in range(11):
        post("birds", body=f"Reply {number}", parent_id=str(root))
    page = app.test_client().get("/articles/birds").text
    assert "Earlier replies" not in page
    link = re.search(r'hx-get="(/comments/\d+/replies[^"]+)"', page)
    assert link
    client.post(f"/comments/{last_id(session)}/delete")
    answer = app.test_client().get(link.group(1), headers=HTMX)
    assert answer.status_code == 200
    assert f'id="more-replies-{root}"' in answer.text
    assert "<a" not in answer.text


@pytest.mark.settings(COMMENT_MODERATION="first")
def test_visitors_pending_reply_does_not_hide_the_replies_before_it(
    app: Flask, client: FlaskClient, post: Post, session: Session
) -> None:
    post("birds", body="Root")
    root = last_id(session)
    app.test_cli_runner().invoke(args=["comments", "approve", str(root)])
    for number in range(15):
        post("birds", body=f"Reply number {number};", parent_id=str(root))
    newcomer = app.test_client()
    form = {"author_name": "Bob", "body": "Pending reply", "parent_id": str(root)}
    newcomer.post("/articles/birds/comments", data=form)
    page = newcomer.get("/articles/birds").text
    assert "Pending reply" in page
    link = re.search(r'hx-get="(/comments/\d+/replies[^"]+)"', page)
    assert link
    more = newcomer.get(link.group(1), headers=HTMX).text
    assert [int(number) for number in re.findall(r">Reply number (\d+);", more)] == [10, 11, 12, 13, 14]
