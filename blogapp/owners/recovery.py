"""Codes with which an owner who has lost the password can choose a new one: the recovery codes, and RESET_CODE, which
the host sets. Each works once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from blogapp.db.transactions import insert_for
from blogapp.owners.models import Owner, RecoveryCode, UsedResetCode

CODES = 10
# Without letters and digits that look alike. 16 of these characters have 79 random bits, so a plain hash is enough.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 16
GROUP = 4


def new_recovery_codes(session: Session, owner_id: int, number: int = CODES) -> list[str]:
    """Replace an owner's recovery codes with new ones, and return them; only their hashes are stored. A write
    transaction must be open."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.owner_id == owner_id))
    codes = [_new_code() for _ in range(number)]
    session.add_all(RecoveryCode(code_hash=_hash(code), owner_id=owner_id) for code in codes)
    session.flush()
    return codes


def use_recovery_code(session: Session, code: str) -> Owner | None:
    """The owner whose unused code this is; the code is then deleted. None for any other code. A write transaction must
    be open; of two at the same time, one gets the owner."""
    used = delete(RecoveryCode).where(RecoveryCode.code_hash == _hash(code)).returning(RecoveryCode.owner_id)
    owner_id = session.scalar(used)
    return session.get(Owner, owner_id) if owner_id is not None else None


def use_reset_code(session: Session, code: str, reset_code: str, now: datetime) -> bool:
    """Whether `code` is RESET_CODE and its value was never used before; it is used then. A write transaction must be
    open; of two at the same time, one gets True."""
    if not reset_code or not hmac.compare_digest(_hash(code), _hash(reset_code)):
        return False
    insert = insert_for(session, UsedResetCode).values(code_hash=_hash(code), used_at=now)
    used = session.execute(insert.on_conflict_do_nothing(index_elements=["code_hash"]).returning(UsedResetCode.used_at))
    return used.first() is not None


def unused_recovery_codes(session: Session, owner_id: int) -> int:
    """How many recovery codes an owner has left."""
    query = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.owner_id == owner_id)
    return session.scalar(query) or 0


def _new_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[start : start + GROUP] for start in range(0, CODE_LENGTH, GROUP))


def _hash(code: str) -> bytes:
    """The hash of a code, regardless of case, hyphens and spaces."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.sha256(plain.encode(errors="replace")).digest()
