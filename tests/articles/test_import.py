"""`flask articles import`: new, changed and unchanged articles, and errors in files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp.articles.files import read_files
from blogapp.articles.models import Article

Write = Callable[[str, str | bytes], str]

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GOOD = """---
title: "Les oiseaux : une écoute"
slug: oiseaux
lang: fr
views: 4
---

Un premier paragraphe, avec une question : entendez-vous ?

Un deuxième.
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def load(runner: FlaskCliRunner, *arguments: str) -> tuple[int, str]:
    done = runner.invoke(args=["articles", "import", *arguments])
    return done.exit_code, done.output


def test_imported_article_is_served(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    assert load(runner, write("a.md", GOOD)) == (0, "added /articles/oiseaux\n")
    page = client.get("/articles/oiseaux").text
    assert '<html lang="fr" dir="ltr">' in page
    assert "<h1>Les oiseaux\u00a0: une écoute</h1>" in page
    assert "<title>Les oiseaux : une écoute" in page
    assert page.count("<p>Un ") == 2
    assert ">4 vues</span>" in page
    assert ">0 commentaire</span>" in page
    assert 'href="#top"' in page
    assert 'href="#bottom"' in page
    assert 'id="top"' in page
    assert 'id="bottom"' in page


def test_importing_an_unchanged_file_changes_nothing(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    path = write("a.md", GOOD)
    load(runner, path)
    client.post("/articles/oiseaux/views")
    client.post("/articles/oiseaux/comments", data={"author_name": "Ada", "body": "Oui"})
    before = client.get("/articles/oiseaux").text
    assert load(runner, path) == (0, "unchanged /articles/oiseaux\n")
    assert client.get("/articles/oiseaux").text == before
    assert ">5 vues</span>" in before


def test_importing_a_changed_file_keeps_counts_and_comments(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    load(runner, write("a.md", GOOD))
    client.post("/articles/oiseaux/comments", data={"author_name": "Ada", "body": "Oui"})
    changed = GOOD.replace("deuxième", "troisième").replace("views: 4", "views: 9000")
    assert load(runner, write("a.md", changed)) == (0, "updated /articles/oiseaux: text\n")
    page = client.get("/articles/oiseaux").text
    assert "Un troisième." in page
    assert ">4 vues</span>" in page
    assert ">1 commentaire</span>" in page


def test_dry_run_prints_changes_without_making_them(runner: FlaskCliRunner, session: Session, write: Write) -> None:
    path = write("a.md", GOOD)
    assert load(runner, "--dry-run", path) == (0, "would add /articles/oiseaux\n")
    assert session.scalar(select(func.count()).select_from(Article)) == 0
    load(runner, path)
    assert load(runner, "--dry-run", write("a.md", GOOD.replace("premier", "1er"))) == (
        0,
        "would update /articles/oiseaux: text\n",
    )


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("Only text.\n", 1, "there is no title"),
        ("---\nlang: fr\n---\nText\n", 1, "there is no title"),
        ("---\nlang: fr\ntitle: ' '\n---\nText\n", 3, "there is no title"),
        ("---\ntitle: [a]\n---\nText\n", 2, "the title must be text"),
        ("---\ntitle: null\n---\nText\n", 2, "there is no title"),
        ("---\ntitle: a\n", 1, "the front matter has no end"),
        ("---\ntitle: a\nslug: [\n---\nText\n", 3, "not YAML"),
        ("---\ntitle: Part 2: the return\n---\nText\n", 2, 'put the title in quotes: `title: "Part 2: the return"`'),
        ('---\ntitle: a\nsummary: She said: "yes"\n---\nText\n', 3, "put the summary in quotes"),
        ("---\nlang: fr\n title: a\n---\nText\n", 3, "remove the spaces before it"),
        ("---\ntitle: @home\n---\nText\n", 2, "put the text in quotes"),
        ("---\ntitle: *star*\n---\nText\n", 2, "put the text in quotes"),
        ("---\ntitle: a\ntags:\n\t- b\n---\nText\n", 4, "YAML indents with spaces only"),
        ('---\ntitle: "a\nlang: fr\n---\nText\n', 2, "is not closed"),
        ("---\ntitle: 'It's here'\n---\nText\n", 2, "something follows the closing quotation mark"),
        ("---\ntitle: a\nlang\n---\nText\n", 3, "write `key: value`"),
        ("---\ntitle: " + "[" * 3000 + "\n---\nText\n", 2, "nested too deeply"),
        (
            "---\na: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{b}: &{b} [" + ",".join([f"*{a}"] * 9) + "]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
            )
            + "title: a\n---\nText\n",
            2,
            "too many values",
        ),
        ("---\ntitle: a\nx: '" + "x" * 70_000 + "'\n---\nText\n", 1, "longer than 64 KB"),
        ('+++\ntitle = "a\n+++\nText\n', 2, "not TOML"),
        ("+++\ntitle = 'a'\n", 1, "write +++ on a line of its own"),
        ('{"title": "a",}\nText\n', 1, "not JSON"),
        ('{"title": "a", "title": "b"}\nText\n', 1, "given twice"),
        ("---js\n({title: 1})\n---\nText\n", 1, "write it as YAML"),
        ("Note: this is only text\n\nText\n", 1, "there is no title"),
        ("---\ntitle: a\ndate: 0001-01-01T00:00:00+01:00\n---\nText\n", 3, "the year 0001 is out of range"),
        ("---\ntitle: a\ndate: 9999-12-31T23:59:59-05:00\n---\nText\n", 3, "the year 9999 is out of range"),
        ("---\ntitle: a\ndate: 2026-02-30\n---\nText\n", 3, "there is no such date"),
        ("---\ntitle: a\ndate: 2026-02-03 25:00\n---\nText\n", 3, "there is no such date"),
        ("---\ntitle: a\ndate: 2026-02-03 10:00 +99:00\n---\nText\n", 3, "there is no such time zone"),
        ("---\ntitle: a\ndate: 2026-02-03 10:00 Mars/Base\n---\nText\n", 3, "the time zone `Mars/Base` is not known"),
        ("---\ntitle: a\ndate: 1700000000\n---\nText\n", 3, "the date must be written as"),
        ("---\ntitle: a\ndate: [2026]\n---\nText\n", 3, "the date must be written as"),
        ("---\ntitle: a\npublished: perhaps\n---\nText\n", 3, "published must be true or false"),
        ("---\n- a\n---\nText\n", 2, "lines of `key: value`"),
        ("---\ntitle: a\ntitle: b\n---\nText\n", 3, "given twice"),
        ("---\ntitle: a\ndate: 2026-13-45\n---\nText\n", 3, "there is no such date"),
        ("---\ntitle: a\ndate: soon\n---\nText\n", 3, "the date must be written as"),
        ("---\ntitle: a\nlang: xx\n---\nText\n", 3, "the language must be one of"),
        ("---\ntitle: a\nslug: A B\n---\nText\n", 3, "the slug must be"),
        ("---\ntitle: a\nviews: -1\n---\nText\n", 3, "views must be a whole number"),
        ("---\ntitle: a\nviews: many\n---\nText\n", 3, "views must be a whole number"),
        ("---\ntitle: a\ndraft: maybe\n---\nText\n", 3, "draft must be true or false"),
        ("---\ntitle: a\ntags: {a: b}\n---\nText\n", 3, "tags must be a list"),
        ("---\ntitle: a\n---\n\n \n", 4, "there is no text"),
        (b"---\ntitle: a\n---\nText \xe9\n", 4, "this is not UTF-8"),
        ("---\ntitle: a\n---\nText\0\n", 4, "zero byte"),
        ("---\ntitle: a\x01\n---\nText\n", 2, "a character here that YAML does not allow"),
        ("", 1, "the file is empty"),
        (b"\xef\xbb\xbf\n \n", 1, "the file is empty"),
        (GOOD.encode("utf-16"), 1, "this is UTF-16"),
        ("x" * 2_000_001, 1, "larger than 2 MB"),
    ],
)
def test_invalid_file_gets_a_message_with_the_line(
    write: Write, content: str | bytes, line: int, sentence: str
) -> None:
    good, bad = write("good.md", GOOD), write("bad.md", content)
    read = read_files([Path(good), Path(bad)], "en", NOW)
    (error,) = read.broken
    assert str(error).startswith(f"{bad}:{line}: ")
    assert sentence in str(error)
    assert [str(file.path) for file in read.files] == [good]


def test_one_invalid_file_stops_the_whole_import(runner: FlaskCliRunner, session: Session, write: Write) -> None:
    good, bad, unnamed = (
        write("a.md", GOOD),
        write("b.md", "Only text.\n"),
        write("c.md", "---\ntitle: ☕🎉\n---\nText\n"),
    )
    status, output = load(runner, good, bad, unnamed)
    assert status == 1
    assert f"{bad}:1: there is no title" in output
    assert f"{unnamed}:2: no slug can be made from this title; write one: `slug: my-article`" in output
    assert output.endswith("Nothing was imported.\n")
    assert session.scalar(select(func.count()).select_from(Article)) == 0


def test_directory_and_missing_file_are_reported(runner: FlaskCliRunner, tmp_path: Path) -> None:
    status, output = load(runner, str(tmp_path), str(tmp_path / "none.md"))
    assert status == 1
    assert f"{tmp_path}:1: this is a directory" in output
    assert f"{tmp_path / 'none.md'}:1: there is no such file" in output


def test_broken_link_and_device_are_reported(runner: FlaskCliRunner, tmp_path: Path) -> None:
    link, loop = tmp_path / "link.md", tmp_path / "loop.md"
    link.symlink_to(tmp_path / "gone.md")
    loop.symlink_to(loop)
    status, output = load(runner, str(link), str(loop), "/dev/zero", str(tmp_path / ("x" * 300)))
    assert status == 1
    assert f"{link}:1: this link leads to no file" in output
    assert f"{loop}:1: " in output
    assert "/dev/zero:1: this is not a file" in output
    assert output.count(":1: ") == 4


def test_slug_of_another_file_or_language_is_refused(runner: FlaskCliRunner, write: Write) -> None:
    first, second = write("a.md", GOOD), write("b.md", GOOD)
    status, output = load(runner, first, second)
    assert status == 1
    assert f"{second}:3: the slug `oiseaux` is taken by {first}" in output
    load(runner, first)
    status, output = load(runner, write("c.md", GOOD.replace("lang: fr", "lang: en")))
    assert status == 1
    assert "is taken by an article in another language (fr)" in output


def test_byte_order_mark_crlf_and_unknown_keys_are_accepted(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    text = b"\xef\xbb\xbf" + GOOD.replace("slug: oiseaux", "layout: wide").replace("\n", "\r\n").encode()
    status, output = load(runner, write("a.md", text))
    assert (status, output) == (0, "added /articles/les-oiseaux-une-ecoute\n  ignored: layout\n")
    assert client.get("/articles/les-oiseaux-une-ecoute").status_code == 200


def test_drafts_and_scheduled_articles_are_not_visible(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    draft = GOOD.replace("lang: fr", "lang: fr\ndraft: true")
    load(runner, write("a.md", draft), write("b.md", GOOD.replace("slug: oiseaux", "slug: demain\ndate: 2999-01-01")))
    assert client.get("/articles/oiseaux").status_code == 404
    assert client.get("/articles/demain").status_code == 404
    assert "oiseaux" not in client.get("/").text
    assert client.post("/articles/oiseaux/views").status_code == 404


@pytest.mark.settings(COMMENT_CLOSE_DAYS="30")
def test_comments_on_a_draft_with_an_old_date_close_after_its_first_publication(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    draft = GOOD.replace("views: 4", "date: 2020-01-01\ndraft: true")
    load(runner, write("a.md", draft), write("b.md", GOOD.replace("oiseaux", "autres\ndate: 2020-01-01")))
    assert load(runner, write("a.md", draft.replace("true", "false")))[1] == "updated /articles/oiseaux: draft\n"
    comment = {"author_name": "Ada", "body": "Oui"}
    assert client.post("/articles/oiseaux/comments", data=comment).status_code == 303
    assert '<time datetime="2020-01-01' in client.get("/articles/oiseaux").text
    # An article that is public at its first import counts as published since its date.
    assert client.post("/articles/autres/comments", data=comment).status_code == 409


def test_scheduled_date_is_reported(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    path = write("a.md", GOOD.replace("views: 4", "date: 2999-01-01 09:30 +02:00"))
    expected = "  line 5: scheduled for 2999-01-01 07:30 UTC, not visible until then\n"
    assert load(runner, "--dry-run", path) == (0, "would add /articles/oiseaux\n" + expected)
    assert load(runner, path) == (0, "added /articles/oiseaux\n" + expected)


def test_first_block_keeps_its_indentation(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    load(runner, write("a.md", "---\ntitle: Code\n---\n\n    x = 1\n\nText\n"))
    load(runner, write("b.md", "---\ntitle: List\n---\n \n  - one\n  - two\n"))
    assert "<pre><code>x = 1\n</code></pre>" in client.get("/articles/code").text
    assert "<ul>\n<li>one</li>\n<li>two</li>\n</ul>" in client.get("/articles/list").text


def test_first_heading_that_repeats_the_title_is_removed(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    load(runner, write("a.md", "---\ntitle: “My birds”\n---\n# My birds\n\nThey sing.\n\n## Where\n\nHere.\n"))
    page = client.get("/articles/my-birds").text
    assert page.count("My birds</h") == 0
    assert page.count("“My birds”</h1>") == 1
    assert '<h2 id="where">Where' in page


def test_html_comments_are_removed(runner: FlaskCliRunner, client: FlaskClient, write: Write) -> None:
    text = "<!-- a private note -->\nThey <!-- secret --> sing.\n\n<!--\nmore\nsecrets\n-->\n\nEnd.\n"
    assert load(runner, write("a.md", "---\ntitle: Birds\n---\n" + text)) == (0, "added /articles/birds\n")
    for page in (client.get("/").text, client.get("/articles/birds").text):
        assert "private" not in page
        assert "secret" not in page
        assert "&lt;!--" not in page


def test_code_in_a_summary_of_the_text_stays_as_typed(
    runner: FlaskCliRunner, client: FlaskClient, write: Write
) -> None:
    load(runner, write("a.md", '---\ntitle: Code\n---\n"Say" `x = "y"`\n'))
    load(runner, write("b.md", '---\ntitle: Summary\nsummary: She "says".\n---\nText\n'))
    front = client.get("/").text
    assert '<p class="card-summary">“Say” x = &#34;y&#34;</p>' in front
    assert '<p class="card-summary">She “says”.</p>' in front


@pytest.mark.parametrize("mark", ["<!--more-->", "<!-- more -->", "<!--more Read on-->"])
def test_text_before_the_more_marker_is_the_summary(
    runner: FlaskCliRunner, client: FlaskClient, write: Write, mark: str
) -> None:
    load(runner, write("a.md", f"---\ntitle: Birds\n---\nThey *sing*[^1].\n\n{mark}\n\nAnd fly.\n\n[^1]: All day.\n"))
    front, page = client.get("/").text, client.get("/articles/birds").text
    assert '<p class="card-summary">They sing.</p>' in front
    assert "And fly." in page
    assert "more" not in page.split('class="article-body"')[1].split("</div>")[0]


def test_unsupported_markup_is_reported_with_its_line(runner: FlaskCliRunner, write: Write) -> None:
    text = """---
title: Birds
---

They sing ![a robin](img/robin.jpg)
and {{< youtube abc >}}.

{% include player.html %}

<iframe src="https://example.org"></iframe>

[next](next.md) `{{ fine }}`

    {{ fine }}

Press <kbd>Ctrl</kbd>.<br>Then <blink>wait</blink>.
"""
    status, output = load(runner, "--dry-run", write("a.md", text))
    assert status == 0
    lines = [line.strip() for line in output.splitlines()[1:]]
    assert [line.split(":")[0] for line in lines] == ["line 5", "line 6", "line 8", "line 10", "line 12", "line 16"]
    assert "the picture `img/robin.jpg` is missing" in lines[0]
    assert "`{{< youtube abc >}}` is not supported here" in lines[1]
    assert "`{% include player.html %}`" in lines[2]
    assert "`<iframe>` is not allowed" in lines[3]
    assert "the link to `next.md` does not work here" in lines[4]
    assert "`<blink>`" in lines[5]
