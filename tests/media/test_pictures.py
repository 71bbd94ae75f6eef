"""Upload pictures, show them in articles, and delete them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp import clock
from blogapp.articles.models import Article
from blogapp.articles.pictures import ArticlePicture
from blogapp.articles.revisions import content_of, record
from blogapp.db.transactions import write_transaction
from blogapp.media.library import PICTURES_PER_PAGE, delete_unused
from blogapp.media.models import Picture, PictureFile
from blogapp.text import markup
from blogapp.text.pictures import address_of, attributes_of, is_srcset
from tests.comments.test_threads import counted
from tests.media.conftest import picture
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

Publish = Callable[..., Article]
HASH = "0123456789abcdef" * 2


@pytest.fixture
def signed_in(client: FlaskClient) -> FlaskClient:
    sign_in(client)
    return client


def upload(client: FlaskClient, *files: bytes, names: tuple[str, ...] = (), **headers: str) -> TestResponse:
    named = [
        (io.BytesIO(file), names[number] if names else f"picture-{number}.jpg") for number, file in enumerate(files)
    ]
    return client.post("/owner/pictures", data={"pictures": named}, headers=headers)


def upload_json(client: FlaskClient, *files: bytes) -> dict[str, Any]:
    found: dict[str, Any] = upload(client, *files, Accept="application/json").get_json()
    return found


def test_uploaded_picture_is_served(signed_in: FlaskClient, app: Flask) -> None:
    answer = upload(signed_in, picture(size=(1000, 500)))
    assert answer.status_code == 200
    assert "1 picture is stored." in answer.text
    address = re.findall(r"\((/media/[^)]+)\)", answer.text)[0]
    assert address.endswith("-1000x500.webp")
    served = app.test_client().get(address)
    assert served.mimetype == "image/webp"
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in served.headers
    again = app.test_client().get(address, headers={"If-None-Match": served.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    small = app.test_client().get(address.replace(".webp", "-480.webp"))
    assert 0 < len(small.data) < len(served.data)
    assert small.headers["ETag"] != served.headers["ETag"]


def test_several_pictures_at_once_and_failures_are_named(signed_in: FlaskClient) -> None:
    files = (picture(), b"no picture", picture("PNG"))
    answer = upload(signed_in, *files, names=("a.jpg", "<b>.jpg", "c.png"))
    assert answer.status_code == 422
    assert "2 pictures are stored." in answer.text
    assert "<bdi>&lt;b&gt;.jpg</bdi>: This is not a JPEG, PNG, GIF, WebP, AVIF or HEIC picture." in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_upload_without_a_file(signed_in: FlaskClient) -> None:
    assert "Please choose a picture." in signed_in.post("/owner/pictures").text
    answer = signed_in.post("/owner/pictures", data={"pictures": (io.BytesIO(b""), "")})
    assert answer.status_code == 422


def test_same_file_is_stored_once(signed_in: FlaskClient, session: Session) -> None:
    first, second = (upload_json(signed_in, picture())["stored"][0]["address"] for _ in range(2))
    assert first == second
    assert session.scalar(select(func.count(Picture.id))) == 1
    assert session.scalar(select(func.count()).select_from(PictureFile)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_picture_of_an_earlier_upload_is_on_the_disk(signed_in: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_json(signed_in, picture())
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    upload_json(signed_in, picture())
    assert synced


def test_editor_gets_json(signed_in: FlaskClient) -> None:
    answer = upload_json(signed_in, picture(), b"x")
    assert answer["stored"][0]["name"] == "picture-0.jpg"
    assert answer["refused"][0]["name"] == "picture-1.jpg"
    assert upload(signed_in, b"x", Accept="application/json").status_code == 422


def test_pictures_in_articles_have_copies(
    signed_in: FlaskClient, publish_article: Publish, client: FlaskClient
) -> None:
    address = upload_json(signed_in, picture(size=(1000, 500)))["stored"][0]["address"]
    publish_article(body=f"![A bird]({address})\n\n![Another]({address})")
    page = signed_in.get("/articles/birds").text
    images = re.findall(r"<img src=\"/media/[^>]+>", page)
    assert len(images) == 2
    for image in images:
        assert 'width="1000"' in image
        assert 'height="500"' in image
        assert f"{address.replace('.webp', '-480.webp')} 480w" in image
        assert "sizes=" in image
    assert 'loading="eager"' in images[0]
    assert 'loading="lazy"' in images[1]


def test_pictures_in_use_cannot_be_deleted(
    signed_in: FlaskClient, publish_article: Publish, session: Session, app: Flask
) -> None:
    address = upload_json(signed_in, picture())["stored"][0]["address"]
    article = publish_article(body=f"![]({address})")
    number = session.scalar(select(Picture.id))
    page = signed_in.get("/owner/pictures").text
    assert "Used in:" in page
    assert f"/owner/pictures/{number}/deletion" not in page
    refused = signed_in.post(f"/owner/pictures/{number}/deletion")
    assert refused.status_code == 409
    assert "used in an article" in refused.text
    publish_article(body="No picture any more.")
    assert article.slug == "birds"
    assert signed_in.post(f"/owner/pictures/{number}/deletion").status_code == 303
    assert app.test_client().get(address).status_code == 404
    assert session.scalar(select(func.count()).select_from(PictureFile)) == 0


def test_unused_pictures_are_deleted_after_a_day(
    signed_in: FlaskClient, publish_article: Publish, app: Flask, session: Session
) -> None:
    used = upload_json(signed_in, picture())["stored"][0]["address"]
    upload(signed_in, picture("PNG"))
    publish_article(body=f"![]({used})")
    now = clock.now()
    with app.app_context(), write_transaction() as writing:
        assert delete_unused(writing, now + timedelta(hours=23)) == 0
        assert delete_unused(writing, now + timedelta(hours=25)) == 1
    assert session.scalars(select(Picture.hash)).all() == [used[7:39]]


def test_pictures_of_earlier_texts_are_kept(
    signed_in: FlaskClient, publish_article: Publish, app: Flask, session: Session
) -> None:
    address = upload_json(signed_in, picture())["stored"][0]["address"]
    article = publish_article(body="No picture yet.")
    with app.app_context(), write_transaction() as writing:
        content = replace(content_of(writing.get_one(Article, article.id)), body_source=f"![]({address})")
        record(writing, writing.get_one(Article, article.id), content, "save", False, clock.now())
        writing.execute(delete(ArticlePicture))  # a later text does not show it
        assert delete_unused(writing, clock.now() + timedelta(days=40)) == 0
    assert app.test_client().get(address).status_code == 200


def test_description_is_saved_and_used(signed_in: FlaskClient, session: Session) -> None:
    upload(signed_in, picture())
    number = session.scalar(select(Picture.id))
    answer = signed_in.post(f"/owner/pictures/{number}", data={"alt": "A <robin>\n on a [branch]"})
    assert answer.location.endswith(f"?notice=saved#owner-picture-{number}")
    page = signed_in.get("/owner/pictures?notice=saved").text
    assert "The description is saved." in page
    assert 'alt="A &lt;robin&gt; on a [branch]"' in page
    assert signed_in.post("/owner/pictures/99999", data={"alt": "x"}).status_code == 404


def test_library_has_pages_and_a_fixed_number_of_queries(signed_in: FlaskClient, app: Flask) -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    with app.app_context(), write_transaction() as session:
        for number in range(PICTURES_PER_PAGE + 2):
            hash = f"{number:032x}"
            session.add(Picture(hash=hash, width=1, height=1, size=1, name=f"n{number}", alt="", created_at=now))
    with counted(app) as statements:
        page = signed_in.get("/owner/pictures").text
    assert page.count("<img ") == PICTURES_PER_PAGE
    older = re.findall(r'href="(/owner/pictures\?before=\d+)"', page)[0]
    assert signed_in.get(older).text.count("<img ") == 2
    assert len(statements) <= 8


@pytest.mark.parametrize(
    "name",
    ["x", "../app.py", f"{HASH}-1x1.webp", f"{HASH}-1x1-2.webp", f"{HASH}-1x1.png", f"{HASH}-99999999x1.webp", "%00"],
)
def test_unknown_pictures_are_not_found(client: FlaskClient, name: str) -> None:
    assert client.get(f"/media/{name}").status_code == 404


def test_other_sizes_of_a_picture_are_not_found(signed_in: FlaskClient, app: Flask) -> None:
    address = upload_json(signed_in, picture())["stored"][0]["address"]
    assert app.test_client().get(address.replace("-64x48", "-64x49")).status_code == 404


def test_uploads_are_for_owners_only(client: FlaskClient, session: Session) -> None:
    answer = upload(client, picture())
    assert answer.status_code == 401
    assert "Files cannot be kept here." in answer.text
    assert session.scalar(select(func.count(Picture.id))) == 0


def test_srcset_names_only_uploaded_pictures() -> None:
    good = attributes_of(address_of(HASH, 1000, 500))["srcset"]
    assert is_srcset(good)
    for bad in (
        "",
        "x",
        f"{good}, https://example.org/a.webp 9w",
        f"https://example.org{good}",
        good.replace("/media", "/m"),
    ):
        assert not is_srcset(bad)
    html = markup.render_article(
        '<img src="/static/a.png" srcset="https://example.org/x.png 2x" sizes="1px" loading="x">', "en"
    )
    assert "srcset" not in html
    assert "sizes" not in html
    assert "loading" not in html


def test_picture_of_a_phone_is_accepted(signed_in: FlaskClient, app: Flask) -> None:
    photo = picture("PNG", (64, 48)) + os.urandom(6_000_000)  # data after the end of the picture is ignored
    assert len(send_raw(signed_in, photo).get_json()["stored"]) == 1
    assert send_raw(app.test_client(), photo).status_code == 413
    assert send_raw(signed_in, bytes(25 * 1024 * 1024)).status_code == 413


def send_raw(client: FlaskClient, content: bytes) -> TestResponse:
    """Upload a file without the temporary file that the test client writes for large ones."""
    head = b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="a.png"\r\n\r\n'
    return client.post(
        "/owner/pictures",
        data=head + content + b"\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
        headers={"Accept": "application/json"},
    )


def test_picture_in_the_text_about_the_blog_is_kept(signed_in: FlaskClient, app: Flask) -> None:
    stored = upload_json(signed_in, picture())["stored"]
    form = {"site_title": "Birds", "lang": "en", "time_zone": "UTC", "about": f"![A bird]({stored[0]['address']})"}
    assert signed_in.post("/owner/settings", data=form).status_code == 303
    assert f'src="{stored[0]["address"]}"' in app.test_client().get("/").text
    with app.app_context(), write_transaction() as session:
        assert delete_unused(session, clock.now() + timedelta(days=3)) == 0
    assert signed_in.post("/owner/pictures/1/deletion").status_code == 409
