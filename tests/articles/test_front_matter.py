"""Front matter of other tools: their keys keep their meaning, and private content becomes a draft."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient, FlaskCliRunner

from blogapp.articles.dates import DateError, parse_date
from blogapp.articles.files import ArticleFile, read_file

Read = Callable[..., ArticleFile]

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(front: str, name: str = "a.md", text: str = "Text.\n") -> ArticleFile:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(front + text, encoding="utf-8")
        return read_file(path, "en", NOW)

    return read


@pytest.mark.parametrize(
    "front",
    [
        "---\ntitle: Birds\nlang: fr\ntags: [a, b]\ndate: 2026-01-02 03:04:05 +0100\ndraft: false\nviews: 7\n---\n",
        '+++\ntitle = "Birds"\nlang = "fr"\ntags = ["a", "b"]\ndate = 2026-01-02T03:04:05+01:00\nviews = 7\n+++\n',
        '{\n"title": "Birds", "lang": "fr", "tags": ["a", "b"],\n"date": "2026-01-02T02:04:05Z", "views": 7\n}\n',
        '---json\n{"title": "Birds", "lang": "fr", "tags": ["a", "b"],\n'
        '"date": "2026-01-02T02:04:05Z", "views": 7}\n---\n',
        "Title: Birds\nLang: fr\nDate: 2026-01-02 02:04:05\nTags: a, b\nViews: 7\n\n",
        "\n---\nTitle: Birds\nLanguage: fr_FR\ntags:\n- a\n- b\ndate: 'Fri, 02 Jan 2026 02:04:05 GMT'\nviews: 7\n...\n",
    ],
    ids=["yaml", "toml", "json", "fenced-json", "headers", "other-yaml"],
)
def test_every_format_of_front_matter_gives_the_same_article(read: Read, front: str) -> None:
    file = read(front)
    assert (file.title, file.lang, file.body) == ("Birds", "fr", "Text.\n")
    assert file.metadata.tags == ["a", "b"]
    assert file.metadata.published_at == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert file.metadata.views == 7
    assert not file.metadata.is_draft


@pytest.mark.parametrize(
    "line",
    [
        "draft: true",
        "draft: yes",
        "Draft: True",
        "isDraft: true",
        "published: false",
        "isPublished: no",
        "publish: false",
        "status: draft",
        "status: hidden",
        "status: private",
        "status: pending",
        "status: some-new-word",
        "post_status: private",
        "postStatus: trash",
        "visibility: private",
        "visibility: members",
        "visibility: paid",
        "visibility: [admins]",
        "private: true",
        "private: 1",
        "private: perhaps",
        "public: false",
        "hidden: true",
        "unlisted: true",
        "listed: false",
        "password: letmein",
        "post_password: letmein",
        "passphrase: open sesame",
        "protected: true",
        "access: subscribers",
        "members_only: true",
        "eleventyExcludeFromCollections: true",
        "permalink: false",
        "layout: page",
        "type: page",
        "post_type: attachment",
        "expiryDate: 2026-01-01",
        "expiryDate: someday",
        "build: {render: never}",
        "params: {private: true}",
        "extra: {nested: {secret: yes}}",
        "superSecretMode: on",
        "embargo_until: 2030-01-01",
        "audience: family",
    ],
)
def test_private_or_unpublished_content_is_imported_as_a_draft(read: Read, line: str) -> None:
    file = read(f"---\ntitle: Birds\n{line}\n---\n")
    assert file.metadata.is_draft
    if not line.lower().startswith(("draft", "isdraft")):
        assert any(note.line == 3 and "draft" in note.sentence for note in file.notes)


@pytest.mark.parametrize(
    "line",
    [
        "draft: false",
        "published: true",
        "published: 2026-01-01",
        "status: publish",
        "status: Published",
        "visibility: public",
        "private: false",
        "hidden: no",
        "password: ''",
        "password:",
        "layout: post",
        "type: post",
        "expiryDate: 2030-01-01",
        "noindex: true",
        "publisher: ACME",
        "hideMeta: true",
    ],
)
def test_public_content_is_not_imported_as_a_draft(read: Read, line: str) -> None:
    assert not read(f"---\ntitle: Birds\n{line}\n---\n").metadata.is_draft


def test_scheduled_article_needs_a_date(read: Read) -> None:
    assert read("---\ntitle: Birds\nstatus: scheduled\n---\n").metadata.is_draft
    file = read("---\ntitle: Birds\nstatus: future\ndate: 2027-01-01\n---\n")
    assert not file.metadata.is_draft
    assert file.notes[-1].sentence == "scheduled for 2027-01-01 00:00 UTC, not visible until then"


@pytest.mark.parametrize("line", ["expiryDate: 2030-01-01", "expirydate: 2030-01-01", "params: {expires: 2030-01-01}"])
def test_future_expiry_date_is_reported_as_without_effect(read: Read, line: str) -> None:
    file = read(f"---\ntitle: Birds\n{line}\n---\n")
    assert not file.metadata.is_draft
    (note,) = file.notes
    assert note.line == 3
    assert "has no effect: articles do not expire here" in note.sentence


@pytest.mark.parametrize("name", ["_drafts/birds.md", "blog/_drafts/x/birds.md", "drafts/birds.md", "_birds.md"])
def test_file_in_a_drafts_folder_or_with_an_underscore_is_a_draft(read: Read, name: str) -> None:
    assert read("---\ntitle: Birds\ndraft: false\n---\n", name).metadata.is_draft


def test_jekyll_file_name_gives_date_slug_and_title(read: Read) -> None:
    file = read("---\nlayout: post\n---\n", "2026-11-23-my-title.md")
    assert (file.title, file.base_slug) == ("My title", "my-title")
    assert file.metadata.published_at == datetime(2026, 11, 23, tzinfo=UTC)
    stated = read("---\ntitle: Other\ndate: 2026-11-20\n---\n", "2026-11-23-my-title.md")
    assert (stated.title, stated.metadata.published_at) == ("Other", datetime(2026, 11, 20, tzinfo=UTC))


def test_hugo_file_name_gives_the_language(read: Read) -> None:
    assert read("---\ntitle: Oiseaux\n---\n", "birds.fr.md").lang == "fr"


@pytest.mark.parametrize(
    ("line", "tags"),
    [
        ("tags: [2019, python]", ["2019", "python"]),
        ("tags: [yes, no, 1.10, 2026-01-01]", ["yes", "no", "1.10", "2026-01-01"]),
        ("tags: 2019", ["2019"]),
        ("tags: garden, autumn", ["garden", "autumn"]),
        ("tags: garden; autumn", ["garden", "autumn"]),
        ("tags: garden autumn", ["garden autumn"]),
        ("tags: [{name: Garden, slug: garden}]", ["Garden"]),
        ("tags: []", []),
        ("tags:", []),
        ("tags: [a, A, ' ', b]", ["a", "b"]),
        ("category: garden", ["garden"]),
        ("categories: [Uncategorized, Garden]", ["Garden"]),
        ("taxonomies: {tags: [a], categories: [b]}", ["a", "b"]),
    ],
)
def test_tags_are_read_as_text(read: Read, line: str, tags: list[str]) -> None:
    assert read(f"---\ntitle: Birds\n{line}\n---\n").metadata.tags == tags


@pytest.mark.parametrize(
    ("typed", "title"),
    [("2026", "2026"), ("No", "No"), ("1.10", "1.10"), ("'null'", "null"), ("2026-11-23", "2026-11-23")],
)
def test_title_is_read_as_text(read: Read, typed: str, title: str) -> None:
    assert read(f"---\ntitle: {typed}\n---\n").title == title


@pytest.mark.parametrize("key", ["lang", "language", "locale", "Lang"])
@pytest.mark.parametrize(("value", "lang"), [("fr_FR", "fr"), ("en-US", "en"), ("FR", "fr"), ("iw", "he")])
def test_language_may_include_a_region(read: Read, key: str, value: str, lang: str) -> None:
    assert read(f"---\ntitle: Birds\n{key}: {value}\n---\n").lang == lang


def test_hugo_publish_date_in_the_future_delays_publication(read: Read) -> None:
    file = read("---\ntitle: Birds\ndate: 2026-01-01\npublishDate: 2027-01-01\n---\n")
    assert file.metadata.published_at == datetime(2027, 1, 1, tzinfo=UTC)
    past = read("---\ntitle: Birds\ndate: 2026-01-01\npublishDate: 2026-02-01\nlastmod: 2026-03-01\n---\n")
    assert past.metadata.published_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert past.metadata.updated_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_eleventy_date_keywords_are_reported(read: Read) -> None:
    file = read("---\ntitle: Birds\ndate: git Last Modified\n---\n")
    assert file.metadata.published_at is None
    assert "the day of publication is used" in file.notes[0].sentence


@pytest.mark.parametrize("key", ["summary", "description", "excerpt"])
def test_summary_is_read_from_several_keys(read: Read, key: str) -> None:
    file = read(f"---\ntitle: Birds\n{key}: >\n  They\n  sing.\n---\n")
    assert file.metadata.summary == "They sing."
    assert file.metadata.ignored == []


def test_aliases_of_articles_become_old_slugs_and_others_are_reported(read: Read) -> None:
    file = read("---\ntitle: Birds\naliases: [/articles/old-birds, /2019/01/birds/]\nredirect_from: /x\n---\n")
    assert file.metadata.old_slugs == ["old-birds"]
    assert [note.sentence.split("`")[1] for note in file.notes] == ["/2019/01/birds/", "/x"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("2026-11-23 09:30", "2026-11-23T09:30:00+00:00"),
        ("2026-11-23T09:30:01.123456Z", "2026-11-23T09:30:01+00:00"),
        ("2026-11-23 09:30:00 -0500", "2026-11-23T14:30:00+00:00"),
        ("2026-11-23 9:30 +01", "2026-11-23T08:30:00+00:00"),
        ("2026/11/23", "2026-11-23T00:00:00+00:00"),
        ("2026-07-01 12:00 Europe/Paris", "2026-07-01T10:00:00+00:00"),
        ("Mon, 23 Nov 2026 09:30:00 +0100", "2026-11-23T08:30:00+00:00"),
        ("1850-03-01", "1850-03-01T00:00:00+00:00"),
    ],
)
def test_common_date_formats_are_parsed(text: str, moment: str) -> None:
    assert parse_date(text).isoformat() == moment


@pytest.mark.parametrize(
    "text",
    ["", "soon", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00", "20261123", "1700000000", "2026-11-23 ../x",
     "2026-11-23 10:00 ../../etc/passwd", "٢٠٢٦-١١-٢٣", "Mon, 99 Foo 2026", "2026-11-23T24:00:00", "2026-W48-1"],
)  # fmt: skip
def test_invalid_date_is_refused_with_a_message(text: str) -> None:
    with pytest.raises(DateError, match=r"\.$"):
        parse_date(text)


def test_hugo_section_pages_are_skipped(runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "_index.md").write_text("---\ntitle: Posts\n---\n")
    (tmp_path / "birds.md").write_text("---\ntitle: Birds\n---\nThey sing.\n")
    done = runner.invoke(args=["articles", "import", str(tmp_path / "_index.md"), str(tmp_path / "birds.md")])
    assert done.exit_code == 0
    assert "skipped " in done.output
    assert client.get("/articles/posts").status_code == 404
    assert client.get("/articles/birds").status_code == 200
