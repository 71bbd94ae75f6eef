"""Pages that only signed-in owners may use, and requests whose session has ended."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Blueprint, Flask, request
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from blogapp import clock
from blogapp.owners.access import current_owner, for_owners, owner_required
from blogapp.owners.sessions import LIFETIME
from tests.owners.conftest import NAME, PASSWORD, is_signed_in, sign_in

pytestmark = pytest.mark.own_app  # the tests add pages to the application

HTMX = {"HX-Request": "true"}
Saved = list[tuple[str, list[tuple[str, str]]]]


@pytest.fixture
def saved(app: Flask) -> Saved:
    """Add pages for owners; the list has the name of the owner and the fields of each form that was saved."""
    saved: Saved = []
    notes, single = Blueprint("notes", __name__), Blueprint("single", __name__)

    @notes.route("/owner/notes", methods=["GET", "POST"])
    def save() -> tuple[str, int]:
        if request.method == "POST":
            fields = [pair for pair in request.form.items(multi=True) if not pair[0].startswith("sign_in_")]
            saved.append((current_owner().name, fields))
        return "the notes", 200

    @single.get("/notes/public")
    def public() -> str:
        return "public"

    @single.get("/notes/private")
    @owner_required
    def private() -> str:
        return "private"

    app.register_blueprint(for_owners(notes))
    app.register_blueprint(single)
    return saved


def fields_of(page: str) -> MultiDict[str, str]:
    """The fields of the form in a page, as a browser would send them."""
    inputs = re.findall(r'<input[^>]* name="([^"]*)"[^>]*? value="([^"]*)"', page)
    texts = re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    return MultiDict([(name, html.unescape(value)) for name, value in [*inputs, *texts]])


def test_page_leads_to_the_sign_in_page_and_back(client: FlaskClient, saved: Saved) -> None:
    answer = client.get("/owner/notes?a=é&b=/x")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "private, no-store")
    assert answer.location == "/owner/sign-in?next=/owner/notes?a%3D%25C3%25A9%26b%3D/x"
    form = fields_of(client.get(answer.location).text)
    assert form["next"] == "/owner/notes?a=%C3%A9&b=/x"
    answer = sign_in(client, next=form["next"])
    assert answer.location == "/owner/notes?a=%C3%A9&b=/x"
    assert client.get(answer.location).text == "the notes"


def test_form_without_a_session_is_kept_and_carried_out_after_signing_in(client: FlaskClient, saved: Saved) -> None:
    sent = MultiDict([("name", "a"), ("tags", "x"), ("tags", 'y"<&'), ("body", "\nFirst\n<b>&amp;"), ("empty", "")])
    answer = client.post("/owner/notes?page=é", data=sent)
    assert answer.status_code == 401
    assert saved == []
    form = fields_of(answer.text)
    assert re.search(r'<form[^>]* action="/owner/notes\?page=%C3%A9"', answer.text)
    form["sign_in_name"], form["sign_in_password"] = NAME, "wrong"
    answer = client.post("/owner/notes", data=form)
    assert answer.status_code == 422
    assert "Wrong name or password" in answer.text
    assert saved == []
    form = fields_of(answer.text)
    assert form.pop("sign_in_name") == NAME
    answer = client.post("/owner/notes", data=form | {"sign_in_name": NAME, "sign_in_password": PASSWORD})
    assert (answer.status_code, answer.text) == (200, "the notes")
    assert [(name, sorted(fields)) for name, fields in saved] == [(NAME, sorted(sent.items(multi=True)))]
    assert is_signed_in(client)


@pytest.mark.parametrize("end", ["expired", "revoked", "forged"])
def test_ended_session_saves_nothing(
    client: FlaskClient, app: Flask, saved: Saved, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client)
    cookie = client.get_cookie("owner")
    assert cookie is not None
    if end == "expired":
        later = clock.now() + LIFETIME + timedelta(seconds=1)
        monkeypatch.setattr(clock, "now", lambda: later)
    elif end == "revoked":
        client.post("/owner/sign-out")
        client.set_cookie("owner", cookie.value)
    else:
        client.set_cookie("owner", "x" * 43)
    assert client.post("/owner/notes", data={"body": "text"}).status_code == 401
    assert client.get("/owner/notes").status_code == 302
    assert saved == []


def test_secrets_are_not_kept_in_the_page(client: FlaskClient, saved: Saved) -> None:
    secrets = {
        "password": "secret-1",
        "setup_code": "secret-2",
        "reset_code": "secret-3",
        "sign_in_password": "wrong-4",
        "sign_in_passkey": "",
        "passkey": "secret-1",
        "credential": "secret-2",
    }
    page = client.post("/owner/notes", data={**secrets, "body": "kept"}).text
    assert "kept" in page
    assert not re.search("secret-[123]|wrong-4", page)


def test_page_says_that_files_are_lost(client: FlaskClient, saved: Saved) -> None:
    files = {"title": "kept", "picture": (BytesIO(b"x"), "robin.jpg")}
    page = client.post("/owner/notes", data=files, content_type="multipart/form-data").text
    assert "Choose them again" in page
    assert 'value="kept"' in page
    assert "Choose them again" not in client.post("/owner/notes", data={"title": "kept"}).text


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_htmx_gets_the_sign_in_form_as_a_fragment(client: FlaskClient, saved: Saved, method: str) -> None:
    answer = client.open("/owner/notes", method=method, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (401, "#sign-in-again")
    assert "<html" not in answer.text
    assert 'hx-post="/owner/sign-in"' in answer.text
    wrong = client.post("/owner/sign-in", data={"name": NAME, "password": "wrong"}, headers=HTMX)
    assert wrong.status_code == 422
    assert "Wrong name or password" in wrong.text
    assert "<html" not in wrong.text
    right = client.post("/owner/sign-in", data={"name": NAME, "password": PASSWORD}, headers=HTMX)
    assert (right.status_code, right.headers["HX-Trigger"]) == (200, "blogapp:signed-in")
    assert f"You are signed in as {NAME}." in right.text
    assert saved == []
    assert client.open("/owner/notes", method=method, headers=HTMX).text == "the notes"


def test_single_handlers_can_require_an_owner(client: FlaskClient, saved: Saved) -> None:
    assert client.get("/notes/public").status_code == 200
    assert client.get("/notes/private").location == "/owner/sign-in?next=/notes/private"
    sign_in(client)
    answer = client.get("/notes/private")
    assert (answer.text, answer.headers["X-Robots-Tag"]) == ("private", "noindex")
    assert "X-Robots-Tag" not in client.get("/notes/public").headers


def test_cross_site_form_is_refused_before_the_password_is_checked(client: FlaskClient, saved: Saved) -> None:
    form = {"sign_in_name": NAME, "sign_in_password": PASSWORD}
    answer = client.post("/owner/notes", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_dashboard_greets_the_owner(client: FlaskClient) -> None:
    sign_in(client)
    answer = client.get("/owner")
    assert f"Hello, {NAME}" in html.unescape(answer.text)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
