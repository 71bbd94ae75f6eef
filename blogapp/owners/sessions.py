"""Who is signed in. The owner's cookie is the only session there is; readers have none."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from blogapp.owners.models import Owner

LIFETIME = timedelta(days=30)
# Checked where there is no such owner, so that the answer takes as long as for a wrong password.
NOBODY = generate_password_hash("nobody has this password")


# Over https the `__Host-` prefix binds the cookie to this host and to https.
PLAIN_NAME, SECURE_NAME = COOKIE_NAMES = ("owner", "__Host-owner")


class HostCookie(SecureCookieSessionInterface):
    """Over https the cookie is bound to this very host; over plain http (a look at home) it cannot be."""

    def get_cookie_name(self, app: Flask) -> str:
        return SECURE_NAME if self.get_cookie_secure(app) else PLAIN_NAME

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def init_app(app: Flask) -> None:
    app.session_interface = HostCookie()
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        SESSION_REFRESH_EACH_REQUEST=False,
    )


def sign_in(database: Session, name: str, password: str) -> bool:
    """Sign the owner called `name` in, if the password is theirs."""
    owner = database.scalar(select(Owner).where(Owner.name == name))
    if not check_password_hash(owner.password_hash if owner else NOBODY, password) or owner is None:
        return False
    session.clear()
    session.permanent = True
    session["owner"] = owner.id
    session["password"] = _fingerprint(owner)
    return True


def sign_out() -> None:
    session.clear()


def signed_in_owner(database: Session) -> Owner | None:
    """The owner whose session this is. A changed password ends all older sessions."""
    if "owner" not in session:
        return None
    owner = database.get(Owner, session["owner"])
    return owner if owner and session.get("password") == _fingerprint(owner) else None


def _fingerprint(owner: Owner) -> str:
    return hashlib.sha256(owner.password_hash.encode()).hexdigest()[:16]
