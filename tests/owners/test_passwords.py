"""Passwords are compared as sent, hashed with argon2id, and checked one at a time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from blogapp.db.transactions import write_transaction
from blogapp.owners import passwords
from blogapp.owners.models import Owner
from blogapp.owners.passwords import check_password, hash_password
from blogapp.web.gate import Gate
from tests.owners.conftest import PASSWORD, is_signed_in, sign_in

pytestmark = pytest.mark.usefixtures("real_password_costs")


def test_password_is_the_same_in_either_normal_form() -> None:
    stored = hash_password("pässword twelve")
    for typed in ("pässword twelve", "pa\u0308ssword twelve"):
        assert check_password(stored, typed) == (True, None)


def test_password_is_compared_as_it_was_sent(client: FlaskClient) -> None:
    with_nul = (f"{PASSWORD}\0", f"\0{PASSWORD}", PASSWORD.replace("horse", "ho\0rse"))
    for sent in (*with_nul, f"{PASSWORD} ", PASSWORD.upper()):
        assert sign_in(client, sent).status_code == 422, sent
    assert sign_in(client).status_code == 303


def test_lone_surrogate_differs_from_a_question_mark() -> None:
    """In a terminal that does not use UTF-8, `flask owner create` may get half of a surrogate pair."""
    stored = hash_password("a question mark?")
    assert check_password(stored, "a question mark\udcff") == (False, None)


def test_scrypt_hash_is_replaced_at_sign_in(app: Flask, client: FlaskClient, session: Session) -> None:
    with app.app_context(), write_transaction() as writing:
        writing.execute(update(Owner).values(password_hash=generate_password_hash(PASSWORD)))
    assert sign_in(client, "wrong").status_code == 422
    assert session.scalars(select(Owner.password_hash)).one().startswith("scrypt:")
    assert sign_in(client).status_code == 303
    assert session.scalars(select(Owner.password_hash)).one().startswith("$argon2id$v=19$m=19456,t=3,p=1$")
    assert is_signed_in(client)
    assert sign_in(app.test_client()).status_code == 303


def test_sign_in_is_refused_at_once_when_too_many_wait(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "GATE", Gate(waiting=0, seconds=30))
    with passwords.GATE.enter():
        answer = sign_in(client)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert "The server is busy" in answer.text
    assert 'value="Chloé Martin"' in answer.text
    assert sign_in(client).status_code == 303


def test_waiting_too_long_for_the_gate_raises_busy() -> None:
    gate = Gate(waiting=1, seconds=0.01)
    with gate.enter(), pytest.raises(passwords.Busy), gate.enter():
        pass
    with gate.enter():
        pass


def test_gate_lets_one_thread_in_at_a_time() -> None:
    gate = Gate(waiting=20, seconds=30)
    inside, most = 0, 0
    lock = threading.Lock()

    def enter(_: int) -> None:
        nonlocal inside, most
        with gate.enter():
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(enter, range(200)))
    assert most == 1
