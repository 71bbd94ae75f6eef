"""Cover pictures: uploaded or chosen in the editor, shown above the article and on the front page, never deleted."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.articles.covers import cover_of
from blogapp.articles.models import Article
from blogapp.db.transactions import write_transaction
from blogapp.media.library import delete_unused
from blogapp.media.models import Picture
from tests.articles.conftest import Form
from tests.media.conftest import picture

TEXT: dict[str, Any] = {"title": "Birds", "body": "They sing."}


def test_cover_is_uploaded_with_the_form_without_javascript(
    writer: FlaskClient, client: FlaskClient, session: Session
) -> None:
    form = Form(writer)
    file: Any = (io.BytesIO(picture(size=(1000, 500))), "robin.jpg")
    assert form.send("publish", **TEXT, cover_file=file, cover_alt="A robin").status_code == 303
    article = session.scalar(select(Article))
    assert article is not None
    image = re.findall(r'<img class="cover"[^>]*>', client.get("/articles/birds").text)[0]
    for part in ('width="1000"', 'height="500"', 'alt="A robin"', " 480w, ", "sizes=", f'src="{article.cover}"'):
        assert part in image
    assert "loading" not in image
    cover = cover_of(article)
    assert cover is not None
    assert cover.url("https://example.org") == f"https://example.org{article.cover}"
    assert cover.url(largest=500).endswith("-1000x500-480.webp")
    assert (cover.width, cover.height, cover.alt) == (1000, 500, "A robin")


@pytest.mark.parametrize("htmx", [False, True])
def test_refused_cover_loses_nothing(writer: FlaskClient, session: Session, htmx: bool) -> None:
    file: Any = (io.BytesIO(b"no picture"), "robin.jpg")
    answer = Form(writer).send("publish", htmx, **TEXT, cover_file=file)
    assert answer.status_code == 422
    assert re.search(r'data-error-for="cover"[^>]*>This is not a JPEG', answer.text)
    assert htmx or "They sing." in answer.text
    assert session.scalar(select(Article)) is None


@pytest.mark.parametrize("cover", ["robin.jpg", "https://example.org/a.png", f"/media/{'0' * 32}-1x1.webp", "\\"])
def test_only_pictures_of_the_library_are_covers(writer: FlaskClient, cover: str) -> None:
    answer = Form(writer).send("save", **TEXT, cover=cover)
    assert answer.status_code == 422
    assert re.search(r'data-error-for="cover"[^>]*>[A-Z]', answer.text)
    assert f'name="cover" dir="ltr" autocomplete="off" placeholder="/media/…" value="{cover}"' in answer.text


def test_cover_is_picked_from_the_library_with_its_description(
    writer: FlaskClient, session: Session, client: FlaskClient
) -> None:
    writer.post("/owner/pictures", data={"pictures": (io.BytesIO(picture()), "robin.jpg")})
    writer.post("/owner/pictures/1", data={"alt": "A robin"})
    address = re.findall(r'name="cover_pick" value="([^"]+)"', writer.get("/owner/articles/new").text)[0]
    form = Form(writer)
    form.send("save", **TEXT, cover_pick=address, cover="")
    form.send("publish", **TEXT)
    assert f'src="{address}"' in client.get("/articles/birds").text
    assert session.scalar(select(Article.cover_alt)) == "A robin"
    # The text that the library offers to copy is understood as well.
    form.send("publish", **TEXT, cover=f"![x]({address})")
    assert session.scalar(select(Article.cover)) == address


def test_newest_article_has_its_cover_on_the_front_page(writer: FlaskClient, client: FlaskClient) -> None:
    for title in ("One", "Two"):
        file: Any = (io.BytesIO(picture()), "robin.jpg")
        Form(writer).send("publish", title=title, body="Text", cover_file=file)
    page = client.get("/").text
    assert page.count('class="cover"') == 1
    assert page.index('class="cover"') < page.index(">Two<") < page.index(">One<")


def test_covers_in_use_and_of_earlier_revisions_are_kept(writer: FlaskClient, app: Flask, session: Session) -> None:
    form = Form(writer)
    file: Any = (io.BytesIO(picture()), "robin.jpg")
    form.send("publish", **TEXT, cover_file=file)
    assert writer.post("/owner/pictures/1/deletion").status_code == 409
    form.send("publish", **TEXT, cover="")
    with app.app_context(), write_transaction() as writing:
        assert delete_unused(writing, clock.now() + timedelta(days=3)) == 0
    assert session.scalar(select(Picture.id)) == 1


def test_cover_beside_a_file_is_imported_and_exported(
    runner: FlaskCliRunner, client: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "robin.jpg").write_bytes(picture(size=(600, 300)))
    file = tmp_path / "birds.md"
    file.write_text("---\ntitle: Birds\ncover: robin.jpg\ncover_alt: A robin\n---\nThey sing.\n")
    assert runner.invoke(args=["articles", "import", str(file)]).exit_code == 0
    page = client.get("/articles/birds").text
    assert 'width="600" height="300" alt="A robin"' in page
    out = tmp_path / "out"
    assert runner.invoke(args=["articles", "export", str(out)]).exit_code == 0
    assert "cover: pictures/" in (out / "birds.md").read_text()
    assert runner.invoke(args=["articles", "import", str(out / "birds.md")]).output.startswith("unchanged")
    file.write_text("---\ntitle: Birds\ncover: missing.jpg\n---\nThey sing.\n")
    assert "the cover `missing.jpg` is missing" in runner.invoke(args=["articles", "import", str(file)]).output
