"""Passkeys: owners sign in with the fingerprint, face or PIN of a device (WebAuthn) instead of the password.

A challenge is signed and stored nowhere, so that asking for one writes nothing. It expires, and it is stored once it
was answered, so that an answer works once. `webauthn` takes 13 MB of memory. It is imported only to check an answer
that has a valid challenge and, for a sign-in, names a passkey that exists.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from blogapp.db.transactions import insert_for
from blogapp.owners.models import Owner, Passkey, UsedChallenge
from blogapp.values import frozen

# How long the answer to a challenge may take.
CHALLENGE_LIFETIME = timedelta(minutes=5)
PASSKEYS_AT_MOST = 20
# Ed25519, ECDSA with P-256, RSA with PKCS #1 (COSE algorithm numbers): all authenticators have one of them.
ALGORITHMS = (-8, -7, -257)
# What the challenge of a sign-in is bound to.
SIGN_IN = "sign-in"


class PasskeyRefused(Exception):
    """The answer is not that of a known passkey to a challenge of this blog. The response does not say which."""


class ChallengeExpired(Exception):
    """The answer took too long."""


@frozen
class RelyingParty:
    """The site, as WebAuthn knows it: its `origin`, such as "https://example.org:8000", and its `id`, the name of the
    host. The id is empty at an IP address, where browsers allow no passkeys."""

    origin: str
    id: str


@frozen
class Answer:
    """The credential that a browser has sent, with its id and the challenge that it answers. Nothing is verified."""

    credential: dict[str, Any]
    credential_id: bytes
    challenge: bytes


def relying_party_at(origin: str) -> RelyingParty:
    """`origin` is `scheme://host` with a port if it is not the usual one."""
    origin = origin.lower()
    host = urlsplit(origin).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return RelyingParty(origin, host)
    return RelyingParty(origin, "")


def session_binding(owner_id: int, token: str) -> str:
    """What the challenge for a new passkey is bound to: the owner and the session."""
    return f"{owner_id} {hashlib.sha256(token.encode()).hexdigest()}"


def sign_in_options(party: RelyingParty, secret: str, now: datetime) -> dict[str, Any]:
    """The options of a sign-in (PublicKeyCredentialRequestOptionsJSON). They name no passkey: the browser knows which
    ones it has for this site."""
    return {
        "challenge": encode(_new_challenge(secret, SIGN_IN, now)),
        "rpId": party.id,
        "userVerification": "required",
        "timeout": _milliseconds(CHALLENGE_LIFETIME),
    }


def registration_options(
    session: Session, owner: Owner, party: RelyingParty, site_title: str, binding: str, secret: str, now: datetime
) -> dict[str, Any]:
    """The options of a new passkey (PublicKeyCredentialCreationOptionsJSON). A device on which the owner has a passkey
    adds no second one."""
    existing = session.scalars(select(Passkey.credential_id).where(Passkey.owner_id == owner.id))
    # Devices keep one passkey per site and user, and several blogs may share a host.
    user = hmac.digest(secret.encode(), f"passkey\n{owner.id}".encode(), "sha256")
    return {
        "challenge": encode(_new_challenge(secret, binding, now)),
        "rp": {"id": party.id, "name": site_title},
        "user": {"id": encode(user), "name": owner.name, "displayName": owner.name},
        "pubKeyCredParams": [{"type": "public-key", "alg": algorithm} for algorithm in ALGORITHMS],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "excludeCredentials": [{"type": "public-key", "id": encode(each)} for each in existing],
        "timeout": _milliseconds(CHALLENGE_LIFETIME),
    }


def read_answer(text: str) -> Answer:
    """Parse a credential in JSON (RegistrationResponseJSON or AuthenticationResponseJSON). Raises PasskeyRefused."""
    try:
        credential = json.loads(text)
        client_data = json.loads(_decode(credential["response"]["clientDataJSON"]))
        return Answer(credential, _decode(credential["id"]), _decode(client_data["challenge"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PasskeyRefused from None


def check_challenge(challenge: bytes, binding: str, secret: str, now: datetime) -> None:
    """Raises PasskeyRefused if this blog has not made the challenge for `binding`, or ChallengeExpired."""
    try:
        made_at, _ = _serializer(secret, binding).loads(challenge)
    except BadData:
        raise PasskeyRefused from None
    if not 0 <= now.timestamp() - made_at <= CHALLENGE_LIFETIME.total_seconds():
        raise ChallengeExpired


def use_challenge(session: Session, challenge: bytes, now: datetime) -> None:
    """Record that a challenge was answered. Raises PasskeyRefused if it was answered before. A write transaction must
    be open; of two at the same time, one is refused."""
    session.execute(delete(UsedChallenge).where(UsedChallenge.used_at < now - CHALLENGE_LIFETIME))
    values = {"challenge_hash": hashlib.sha256(challenge).digest(), "used_at": now}
    insert = insert_for(session, UsedChallenge).values(values).on_conflict_do_nothing(index_elements=["challenge_hash"])
    if session.execute(insert.returning(UsedChallenge.used_at)).first() is None:
        raise PasskeyRefused


def verify_new(answer: Answer, party: RelyingParty) -> tuple[bytes, bytes, int]:
    """The credential id, the public key and the sign count of a new passkey. Raises PasskeyRefused."""
    from webauthn import verify_registration_response  # 13 MB

    try:
        verified = verify_registration_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:  # besides its own errors, it raises those of several parsers
        raise PasskeyRefused from error
    return verified.credential_id, verified.credential_public_key, verified.sign_count


def verify_answer(passkey: Passkey, answer: Answer, party: RelyingParty) -> int:
    """Verify the signature of a sign-in. Returns the new sign count. Raises PasskeyRefused, also if the count has not
    risen, as happens when a passkey was copied (WebAuthn, section 6.1.1)."""
    from webauthn import verify_authentication_response  # 13 MB

    try:
        verified = verify_authentication_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # see verify_new
        raise PasskeyRefused from error
    return verified.new_sign_count


def add_passkey(
    session: Session, owner_id: int, credential: tuple[bytes, bytes, int], name: str, now: datetime
) -> None:
    """Store what `verify_new` has returned. Raises PasskeyRefused if the passkey is stored already, or if the owner has
    too many. A write transaction must be open."""
    if count_passkeys(session, owner_id) >= PASSKEYS_AT_MOST:
        raise PasskeyRefused
    credential_id, public_key, sign_count = credential
    insert = insert_for(session, Passkey).values(
        owner_id=owner_id,
        credential_id=credential_id,
        public_key=public_key,
        sign_count=sign_count,
        name=name,
        created_at=now,
    )
    insert = insert.on_conflict_do_nothing(index_elements=["credential_id"])
    if session.execute(insert.returning(Passkey.id)).first() is None:
        raise PasskeyRefused


def find_passkey(session: Session, credential_id: bytes) -> Passkey | None:
    return session.scalar(select(Passkey).where(Passkey.credential_id == credential_id))


def passkeys_of(session: Session, owner_id: int) -> list[Passkey]:
    """The passkeys of an owner, in the order in which they were added."""
    return list(session.scalars(select(Passkey).where(Passkey.owner_id == owner_id).order_by(Passkey.id)))


def count_passkeys(session: Session, owner_id: int) -> int:
    query = select(func.count()).select_from(Passkey).where(Passkey.owner_id == owner_id)
    return session.scalar(query) or 0


def remove_passkey(session: Session, owner_id: int, passkey_id: int) -> None:
    """A write transaction must be open."""
    session.execute(delete(Passkey).where(Passkey.id == passkey_id, Passkey.owner_id == owner_id))


def encode(content: bytes) -> str:
    """base64url without padding, as in the JSON of WebAuthn."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Raises ValueError, or TypeError if `text` is no text."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _new_challenge(secret: str, binding: str, now: datetime) -> bytes:
    return str(_serializer(secret, binding).dumps([int(now.timestamp()), secrets.token_urlsafe(16)])).encode()


def _serializer(secret: str, binding: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=f"passkey {binding}")


def _milliseconds(period: timedelta) -> int:
    return int(period.total_seconds() * 1000)
