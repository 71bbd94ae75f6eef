"""The sign-in form: names, error messages, and the page that follows."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from blogapp.owners import passwords
from tests.owners.conftest import NAME, PASSWORD, sign_in


def test_name_is_compared_without_case_and_in_nfc(client: FlaskClient) -> None:
    for name in ("CHLOÉ MARTIN", "Chloe\u0301 Martin", " Chloé  Martin ", "Chloé\u200b Martin"):
        assert sign_in(client, name=name).status_code == 303, name


def test_wrong_name_and_a_wrong_password_get_the_same_answer(client: FlaskClient) -> None:
    wrong = [
        (NAME, "wrong"),
        ("Nobody", PASSWORD),
        ("", ""),
        ("a\0", PASSWORD),
        (NAME, "a\0b"),
        (NAME, PASSWORD + "x" * 30_000),
        ("x" * 30_000, PASSWORD),
    ]
    for name, password in wrong:
        answer = sign_in(client, password, name)
        assert answer.status_code == 422
        assert "Wrong name or password" in answer.text
        assert "<title>Error: Sign in" in answer.text
        assert "Set-Cookie" not in answer.headers


def test_sign_in_with_an_unknown_name_also_checks_a_hash(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = passwords.check_password

    def note(password_hash: str, password: str) -> tuple[bool, str | None]:
        checked.append(password_hash)
        return verify(password_hash, password)

    monkeypatch.setattr("blogapp.owners.sign_in.check_password", note)
    for name in ("Chloé Martin", "Nobody"):
        sign_in(client, "wrong", name)
    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_next_redirects_only_within_this_site(client: FlaskClient) -> None:
    assert sign_in(client, next="/articles/birds?sort=newest").location == "/articles/birds?sort=newest"
    assert sign_in(client, next="https://elsewhere.example/").location == "/owner"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "next_path",
    [
        "",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "https://elsewhere.example/",
        "https:elsewhere.example",
        "///elsewhere.example",
        "//user@elsewhere.example",
        "/\u2044/elsewhere.example",
        " //elsewhere.example",
        "javascript:alert(1)",
        "/\t/elsewhere.example",
        "/\n/elsewhere.example",
        "/a\r\nSet-Cookie: a=b",
        "articles/birds",
    ],
)
def test_next_outside_this_site_is_ignored(client: FlaskClient, next_path: str) -> None:
    page = client.get("/owner/sign-in", query_string={"next": next_path}).text
    assert "<form" in page
    assert 'name="next"' not in page
    assert sign_in(client, next=next_path).location == "/owner"


def test_next_is_kept_in_the_form(client: FlaskClient) -> None:
    field = '<input type="hidden" name="next" value="/articles/birds">'
    assert field in client.get("/owner/sign-in?next=/articles/birds").text
    assert field in sign_in(client, "wrong", next="/articles/birds").text
    assert 'name="next"' not in client.get("/owner/sign-in?next=//elsewhere.example").text


@pytest.mark.parametrize("prefix", ["", "/blog"])
def test_next_and_cookies_respect_a_prefix_of_the_site(client: FlaskClient, prefix: str) -> None:
    form = {"name": "Chloé Martin", "password": PASSWORD, "next": "/elsewhere"}
    answer = client.post("/owner/sign-in", data=form, environ_overrides={"SCRIPT_NAME": prefix})
    assert answer.location == ("/blog/owner" if prefix else "/elsewhere")
    assert f"Path={prefix}/" in answer.headers.getlist("Set-Cookie")[1].split("; ")
