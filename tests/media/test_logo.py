"""The logo of the blog: uploaded, chosen from the library, shown to readers, removed."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from blogapp.db.transactions import write_transaction
from blogapp.media.library import delete_unused
from blogapp.media.models import Picture
from tests.media.conftest import picture
from tests.owners.conftest import owner as owner
from tests.owners.conftest import password_hash as password_hash
from tests.owners.conftest import sign_in

LOGO = "/owner/settings/logo"


@pytest.fixture
def signed_in(client: FlaskClient) -> FlaskClient:
    sign_in(client)
    return client


def upload(client: FlaskClient, file: bytes, name: str = "logo.png") -> TestResponse:
    return client.post(LOGO, data={"picture": (io.BytesIO(file), name)})


def header(app: Flask) -> str:
    """The header of the front page, as readers get it."""
    found = re.search(r'<a class="site-title".*?</a>', app.test_client().get("/").text, re.DOTALL)
    assert found
    return found[0]


def pictures(session: Session) -> int:
    return session.scalar(select(func.count(Picture.id))) or 0


@pytest.mark.settings(SITE_TITLE="Birds & co")
def test_uploaded_logo_replaces_the_title_for_readers(signed_in: FlaskClient, app: Flask) -> None:
    assert header(app) == '<a class="site-title" href="/">Birds &amp; co</a>'
    assert upload(signed_in, picture("PNG", (1200, 300))).headers["Location"].endswith("?notice=saved")
    assert "The logo is saved." in signed_in.get(f"{LOGO}?notice=saved").text
    shown = header(app)
    address = re.findall(r'<img class="site-logo" src="([^"]+)" alt="Birds &amp; co" width="960" height="240">', shown)
    assert app.test_client().get(address[0]).mimetype == "image/webp"
    page = app.test_client().get("/").text
    assert '<link rel="icon" href="/icon.png">' in page
    assert "Birds &amp; co" in page[: page.index("</title>")]


def test_icons_show_the_logo(signed_in: FlaskClient, app: Flask) -> None:
    letter = app.test_client().get("/apple-touch-icon.png").data
    upload(signed_in, picture("PNG", (200, 200)))
    icon = app.test_client().get("/apple-touch-icon.png").data
    assert icon != letter
    colour = Image.open(io.BytesIO(icon)).convert("RGB").getpixel((45, 90))
    assert isinstance(colour, tuple)
    assert colour[0] > 200 > 80 > colour[2]  # red


def test_picture_of_the_library_is_chosen_and_the_logo_removed(
    signed_in: FlaskClient, app: Flask, session: Session
) -> None:
    signed_in.post("/owner/pictures", data={"pictures": (io.BytesIO(picture()), "a.jpg")})
    chosen = re.findall(r'name="chosen" value="(\d+)"', signed_in.get(LOGO).text)
    assert len(chosen) == 1
    assert signed_in.post(LOGO, data={"chosen": chosen[0]}).status_code == 303
    assert "site-logo" in header(app)
    assert pictures(session) == 1
    assert signed_in.post(f"{LOGO}/deletion").status_code == 303
    assert "site-logo" not in header(app)


def test_logo_counts_as_used(signed_in: FlaskClient, app: Flask, session: Session) -> None:
    upload(signed_in, picture())
    page = signed_in.get("/owner/pictures").text
    assert "Used as the logo of the blog." in page
    assert "Not used yet." not in page
    picture_id = session.scalars(select(Picture.id)).one()
    refused = signed_in.post(f"/owner/pictures/{picture_id}/deletion")
    assert refused.status_code == 409
    assert "This picture is the logo of the blog." in refused.text
    later = datetime(2099, 1, 1, tzinfo=UTC)
    with app.app_context(), write_transaction() as writing:
        assert delete_unused(writing, later) == 0
    signed_in.post(f"{LOGO}/deletion")
    assert "Not used yet." in signed_in.get("/owner/pictures").text
    with app.app_context(), write_transaction() as writing:
        assert delete_unused(writing, later) == 1


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"picture": (b"no picture", "a.jpg")}, "This is not a JPEG"),
        ({}, "Please choose a picture."),
        ({"chosen": "999"}, "This picture is no longer in your library."),
        ({"chosen": "x"}, "This picture is no longer in your library."),
    ],
)
def test_refused_logo_changes_nothing_and_says_why(
    signed_in: FlaskClient, app: Flask, form: dict[str, Any], sentence: str
) -> None:
    data = {
        name: (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value for name, value in form.items()
    }
    answer = signed_in.post(LOGO, data=data)
    assert answer.status_code == 422
    error = re.findall(r'data-error-for="picture">([^<]*)<', answer.text)
    assert error[0].startswith(sentence)
    assert "site-logo" not in header(app)


def test_settings_lead_to_the_logo(signed_in: FlaskClient) -> None:
    assert f'href="{LOGO}"' in signed_in.get("/owner/settings").text
