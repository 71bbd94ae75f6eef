"""Passkeys: adding one, signing in with it, removing it, and answers that are refused."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.db.transactions import write_transaction
from blogapp.owners.models import Passkey, SignInAttempts, UsedChallenge
from blogapp.owners.passkeys import CHALLENGE_LIFETIME, PASSKEYS_AT_MOST, PasskeyRefused, use_challenge
from blogapp.owners.sessions import RECENT
from tests.owners.authenticator import PRESENT, VERIFIED, Authenticator
from tests.owners.conftest import NAME, PASSWORD, cookie_of, is_signed_in, sign_in

HTMX = {"HX-Request": "true"}
REFUSED = "This passkey was not accepted."
NO_CREDENTIALS = (
    "x",
    "[]",
    "1",
    "{}",
    "[" * 20_000,
    '{"id": 1, "response": {"clientDataJSON": "e30"}}',
    '{"id": "é", "response": {"clientDataJSON": "e30"}}',
    '{"id": "eA", "response": {"clientDataJSON": "W10"}}',
    '{"id": "eA", "response": "x"}',
    '{"id": "eA", "response": {"clientDataJSON": {}}}',
    '{"id": "\\ud800", "response": {"clientDataJSON": "e30"}}',
    "9" * 10_000,
)


@pytest.fixture
def device() -> Authenticator:
    return Authenticator()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Return a function that moves the clock forward."""

    def move(period: timedelta) -> None:
        moment = clock.now() + period
        monkeypatch.setattr(clock, "now", lambda: moment)

    return move


def options_of(client: FlaskClient, password: str = "") -> dict[str, Any]:
    """The options for a new passkey."""
    form = {"passkey_name": "Phone", "present_password": password}
    page = client.post("/owner/security/passkeys/challenge", data=form, headers=HTMX).text
    found = re.search(r'data-passkey-options="([^"]*)"', page)
    assert found, page
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def add(client: FlaskClient, device: Authenticator, name: str = "Phone") -> Any:
    """Add the passkey of `device` to the owner who is signed in."""
    credential = device.create(options_of(client))
    return client.post("/owner/security/passkeys", data={"passkey_name": name, "credential": credential})


@pytest.fixture
def added(client: FlaskClient, device: Authenticator) -> FlaskClient:
    """The owner has the passkey of `device`, and is signed in in this browser."""
    sign_in(client)
    assert add(client, device).status_code == 303
    return client


def challenge(client: FlaskClient) -> dict[str, Any]:
    options: dict[str, Any] = client.get("/owner/sign-in/passkey").get_json()
    return options


def use(client: FlaskClient, credential: str, **form: str) -> Any:
    return client.post("/owner/sign-in", data={"passkey": credential, "name": "", "password": "", **form})


def is_refused(answer: Any) -> bool:
    return answer.status_code == 422 and REFUSED in answer.text


def rows(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_passkey_signs_in_without_a_name(app: Flask, added: FlaskClient, device: Authenticator) -> None:
    browser = app.test_client()
    answer = use(browser, device.get(challenge(browser)), next="/owner/security")
    assert (answer.status_code, answer.location) == (303, "/owner/security")
    assert is_signed_in(browser)
    page = browser.get("/owner/security").text
    assert "Phone" in page
    assert page.count("Last used:") == 3  # two sessions and the passkey


def test_options_name_no_passkey_and_ask_for_the_owner(added: FlaskClient, client: FlaskClient) -> None:
    client.post("/owner/sign-out")
    answer = client.get("/owner/sign-in/passkey")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    options = answer.get_json()
    assert options.pop("challenge") != challenge(client)["challenge"]
    assert options == {"rpId": "localhost", "userVerification": "required", "timeout": 300_000}


def test_options_of_a_new_passkey_have_no_number_of_the_owner(added: FlaskClient, device: Authenticator) -> None:
    options = options_of(added)
    assert options["user"]["name"] == NAME
    assert len(options["user"]["id"]) == 43
    assert options["rp"]["id"] == "localhost"
    assert len(options["excludeCredentials"]) == 1
    assert options["authenticatorSelection"]["residentKey"] == "required"


def test_form_after_the_end_of_a_session_signs_in_with_a_passkey(
    app: Flask, added: FlaskClient, device: Authenticator, session: Session
) -> None:
    form = {"sign_in_name": "", "sign_in_password": "", "sign_in_passkey": device.get(challenge(added))}
    browser = app.test_client()
    number = session.scalar(select(Passkey.id))
    assert browser.post(f"/owner/security/passkeys/{number}/removal", data=form).status_code == 303
    assert rows(session, Passkey) == 0
    assert is_signed_in(browser)


def test_htmx_signs_in_again_with_a_passkey(app: Flask, added: FlaskClient, device: Authenticator) -> None:
    browser = app.test_client()
    form = {"name": "", "password": "", "passkey": device.get(challenge(browser))}
    answer = browser.post("/owner/sign-in", data=form, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Trigger"]) == (200, "blogapp:signed-in")


def test_answer_works_once(app: Flask, client: FlaskClient, session: Session) -> None:
    device = Authenticator(counter=0, step=0)  # does not count, so that the count cannot reveal the repetition
    sign_in(client)
    add(client, device)
    credential = device.get(challenge(client))
    assert use(app.test_client(), credential).status_code == 303
    answer = use(app.test_client(), credential)
    assert (answer.status_code, REFUSED in answer.text) == (422, True)
    assert rows(session, UsedChallenge) == 2  # adding the passkey, and signing in


def test_of_two_uses_of_a_challenge_one_is_refused(app: Flask, later: Callable[[timedelta], None]) -> None:
    with app.app_context():
        with write_transaction() as session:
            use_challenge(session, b"challenge", clock.now())
        with write_transaction() as session, pytest.raises(PasskeyRefused):
            use_challenge(session, b"challenge", clock.now())
        later(CHALLENGE_LIFETIME * 2)
        with write_transaction() as session:  # expired, so its record was deleted
            use_challenge(session, b"another", clock.now())
        assert rows(session, UsedChallenge) == 1


def test_challenge_expires(
    app: Flask, added: FlaskClient, device: Authenticator, later: Callable[[timedelta], None]
) -> None:
    browser = app.test_client()
    credential = device.get(challenge(browser))
    later(CHALLENGE_LIFETIME + timedelta(seconds=1))
    answer = use(browser, credential)
    assert answer.status_code == 422
    assert "This took too long." in answer.text
    assert use(browser, device.get(challenge(browser))).status_code == 303


def test_wrong_answers_get_the_same_message(app: Flask, added: FlaskClient, device: Authenticator) -> None:
    wrong_options: list[dict[str, Any]] = [
        {"challenge": "Zm9yZ2Vk"},
        {"challenge": challenge(added)["challenge"][:-2] + "AA"},
        {"rpId": "example.org"},
    ]
    wrong_devices: list[dict[str, Any]] = [
        {"origin": "http://localhost:8080"},
        {"origin": "https://evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"counter": 0},
        {"key": Authenticator().key},
        {"credential_id": b"unknown"},
    ]
    answers = [device.get({**challenge(added), **each}) for each in wrong_options]
    answers += [replace(device, **each).get(challenge(added)) for each in wrong_devices]
    for credential in answers:
        browser = app.test_client()
        answer = use(browser, credential)
        assert answer.status_code == 422
        found = re.findall('id="sign-in-error" role="alert">([^<]*)', answer.text)
        assert found == [f"{REFUSED} Try again, or use your password."]
        assert not is_signed_in(browser)
    assert use(app.test_client(), device.get(challenge(added))).status_code == 303


def test_answers_that_are_no_credential_are_refused(client: FlaskClient) -> None:
    sign_in(client)
    for text in NO_CREDENTIALS:
        assert is_refused(use(client, text)), text[:80]
        assert is_refused(client.post("/owner/security/passkeys", data={"credential": text}, headers=HTMX)), text[:80]


def test_damaged_answers_are_refused(app: Flask, added: FlaskClient, device: Authenticator) -> None:
    browser = app.test_client()
    values: tuple[Any, ...] = (None, 1, "", "AA", "____", {}, "A" * 2_000)
    for part in ("authenticatorData", "signature", "clientDataJSON", "rawId", "type"):
        for value in values:
            credential = json.loads(device.get(challenge(added)))
            (credential["response"] if part in credential["response"] else credential)[part] = value
            assert is_refused(use(browser, json.dumps(credential))), (part, value)


def test_damaged_new_passkeys_are_refused(client: FlaskClient, device: Authenticator) -> None:
    sign_in(client)
    for value in (None, 1, "", "AA", "oA", "o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA", "A" * 2_000):
        credential = json.loads(device.create(options_of(client)))
        credential["response"]["attestationObject"] = value
        form = {"credential": json.dumps(credential)}
        assert is_refused(client.post("/owner/security/passkeys", data=form, headers=HTMX)), value


def test_challenge_of_a_sign_in_adds_no_passkey(client: FlaskClient, device: Authenticator, session: Session) -> None:
    sign_in(client)
    options = {**options_of(client), "challenge": challenge(client)["challenge"]}
    form = {"credential": device.create(options)}
    assert client.post("/owner/security/passkeys", data=form).status_code == 422
    assert rows(session, Passkey) == 0


def test_challenge_of_another_session_adds_no_passkey(
    app: Flask, client: FlaskClient, device: Authenticator, session: Session
) -> None:
    """A stolen session that has not asked for the password must not add one."""
    sign_in(client)
    form = {"credential": device.create(options_of(client))}
    other = app.test_client()
    sign_in(other)
    assert other.post("/owner/security/passkeys", data=form).status_code == 422
    assert client.post("/owner/security/passkeys", data=form).status_code == 303
    assert client.post("/owner/security/passkeys", data=form).status_code == 422  # works once
    assert rows(session, Passkey) == 1


def test_password_is_needed_some_time_after_signing_in(
    client: FlaskClient, device: Authenticator, later: Callable[[timedelta], None]
) -> None:
    sign_in(client)
    assert 'id="passkey-password"' not in client.get("/owner/security").text
    later(RECENT + timedelta(seconds=1))
    assert 'id="passkey-password"' in client.get("/owner/security").text
    for password in ("", "wrong"):
        form = {"passkey_name": "My phone", "present_password": password}
        answer = client.post("/owner/security/passkeys/challenge", data=form, headers=HTMX)
        assert answer.status_code == 422
        assert re.findall(r'data-error-for="(\w+)"', answer.text) == ["present_password"]
        assert 'value="My phone"' in answer.text
        assert "data-passkey-options" not in answer.text
    assert options_of(client, PASSWORD)["challenge"]


@pytest.mark.settings(RATELIMIT_ENABLED="on")
def test_guesses_of_the_password_are_limited(client: FlaskClient, later: Callable[[timedelta], None]) -> None:
    sign_in(client)
    later(RECENT + timedelta(seconds=1))
    form = {"present_password": "wrong"}
    codes = [client.post("/owner/security/passkeys/challenge", data=form).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


@pytest.mark.settings(RATELIMIT_ENABLED="on", TRUSTED_PROXIES="1")
def test_answers_are_limited_by_network_but_not_by_account(
    app: Flask, added: FlaskClient, device: Authenticator, session: Session
) -> None:
    def attempt(address: str, credential: str, client: FlaskClient | None = None) -> int:
        headers = {"X-Forwarded-For": address}
        return (
            (client or app.test_client())
            .post("/owner/sign-in", data={"passkey": credential}, headers=headers)
            .status_code
        )

    wrong = Authenticator(credential_id=device.credential_id)
    for network in range(3):
        codes = [attempt(f"203.0.{network}.1", wrong.get(challenge(added))) for _ in range(11)]
        assert codes == [422] * 10 + [429]
    assert attempt("203.0.0.1", device.get(challenge(added))) == 429
    assert attempt("203.0.0.1", device.get(challenge(added)), added) == 303  # has signed in before
    assert attempt("203.0.9.1", device.get(challenge(added))) == 303
    assert attempt("203.0.9.1", "x") == 422
    assert rows(session, SignInAttempts) > 0


def test_wrong_answers_leave_the_passkey_as_it_is(
    app: Flask, added: FlaskClient, device: Authenticator, session: Session
) -> None:
    wrong = Authenticator(credential_id=device.credential_id)
    use(app.test_client(), wrong.get(challenge(added)))
    assert session.scalar(select(Passkey.sign_count)) == 1
    device.counter = 2**32 - 2
    assert use(app.test_client(), device.get(challenge(added))).status_code == 303
    assert session.scalar(select(Passkey.sign_count)) == 2**32 - 1


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_removed_passkey_signs_nobody_in(
    app: Flask, added: FlaskClient, device: Authenticator, headers: dict[str, str], session: Session
) -> None:
    number = session.scalar(select(Passkey.id))
    answer = added.post(f"/owner/security/passkeys/{number}/removal", headers=headers)
    if headers:
        assert "The passkey has been removed." in answer.text
        assert "<html" not in answer.text
    else:
        assert "The passkey has been removed." in added.get(answer.location).text
    assert use(app.test_client(), device.get(challenge(added))).status_code == 422


def test_passkey_of_another_owner_cannot_be_removed(
    app: Flask, added: FlaskClient, device: Authenticator, runner: FlaskCliRunner, session: Session
) -> None:
    runner.invoke(args=["owner", "create", "--name", "Zoé", "--password", PASSWORD])
    zoe = app.test_client()
    sign_in(zoe, name="Zoé")
    assert "Phone" not in zoe.get("/owner/security").text
    number = session.scalar(select(Passkey.id))
    zoe.post(f"/owner/security/passkeys/{number}/removal")
    assert rows(session, Passkey) == 1
    # The same passkey cannot be another owner's too.
    assert add(zoe, device).status_code == 422
    assert rows(session, Passkey) == 1


def test_owner_has_a_bounded_number_of_passkeys(added: FlaskClient, session: Session) -> None:
    for _ in range(1, PASSKEYS_AT_MOST):
        assert add(added, Authenticator()).status_code == 303
    assert "This is the largest number of passkeys." in added.get("/owner/security").text
    assert add(added, Authenticator()).status_code == 422
    assert rows(session, Passkey) == PASSKEYS_AT_MOST


@pytest.mark.parametrize(
    ("name", "shown"), [("Clé <b>", "Clé &lt;b&gt;"), ("", "Firefox, Linux"), ("\u200b", "Firefox, Linux")]
)
def test_passkey_has_a_name(client: FlaskClient, device: Authenticator, name: str, shown: str) -> None:
    sign_in(client)
    assert add(client, device, name).status_code == 303
    assert f'<p class="owner-list-title"><bdi>{shown}</bdi></p>' in client.get("/owner/security").text


def test_overlong_name_is_refused_before_the_device_makes_a_passkey(client: FlaskClient) -> None:
    sign_in(client)
    answer = client.post("/owner/security/passkeys/challenge", data={"passkey_name": "x" * 61}, headers=HTMX)
    assert answer.status_code == 422
    assert re.findall(r'data-error-for="(\w+)"', answer.text) == ["passkey_name"]


def test_new_password_keeps_the_passkeys_and_says_so(app: Flask, added: FlaskClient, device: Authenticator) -> None:
    form = {"present_password": PASSWORD, "password": "another pass phrase"}
    answer = added.post("/owner/security/password", data=form)
    assert "Your passkeys still work." in added.get(answer.location).text
    assert use(app.test_client(), device.get(challenge(added))).status_code == 303


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "192.0.2.1"])
def test_no_passkey_is_offered_at_an_ip_address(app: Flask, client: FlaskClient, host: str) -> None:
    headers = {"Host": host}
    assert "data-passkey-sign-in" not in client.get("/owner/sign-in", headers=headers).text
    sign_in(client)
    cookie = {"Cookie": f"owner={cookie_of(client)}"}
    page = app.test_client(use_cookies=False).get("/owner/security", headers={**headers, **cookie}).text
    assert "Passkeys do not work at an IP address." in page


@pytest.mark.settings(SITE_URL="https://blog.example.org:8443/notes")
def test_site_url_decides_where_passkeys_work(client: FlaskClient, device: Authenticator, app: Flask) -> None:
    base = "https://blog.example.org:8443/notes"
    client.post("/owner/sign-in", base_url=base, data={"name": NAME, "password": PASSWORD})
    form = {"passkey_name": "Phone"}
    page = client.post("/owner/security/passkeys/challenge", base_url=base, data=form, headers=HTMX).text
    options = json.loads(html.unescape(re.findall(r'data-passkey-options="([^"]*)"', page)[0]))
    assert options["rp"]["id"] == "blog.example.org"
    device.origin = "https://blog.example.org:8443"
    form["credential"] = device.create(options)
    assert client.post("/owner/security/passkeys", base_url=base, data=form).status_code == 303
    browser = app.test_client()
    found = browser.get("/owner/sign-in/passkey", base_url=base).get_json()
    answer = browser.post("/owner/sign-in", base_url=base, data={"passkey": device.get(found)})
    assert answer.location == "/notes/owner"


def test_forged_posts_change_nothing(added: FlaskClient, session: Session) -> None:
    number = session.scalar(select(Passkey.id))
    for path in ("", "/challenge", f"/{number}/removal"):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            assert added.post(f"/owner/security/passkeys{path}", headers=headers).status_code == 403
    assert rows(session, Passkey) == 1
