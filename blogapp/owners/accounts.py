"""Owners' accounts, and the check for names that imitate theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.db.query_cache import cached_result
from blogapp.owners.models import Owner
from blogapp.owners.sessions import end_all_sessions
from blogapp.site.setup import close_setup
from blogapp.text.confusables import look_alike
from blogapp.text.names import fold_case

NAMES = select(Owner.id, Owner.name).order_by(Owner.id)


class NameUsed(Exception):
    """An owner has this name, or one that readers could take for it."""


class BeforeRemoval(Protocol):
    """A function that is called before an owner's account is deleted, in the same write transaction."""

    def __call__(self, session: Session, owner: Owner) -> None: ...


def all_owners(session: Session) -> list[Owner]:
    """Every owner; a blog has one or a few."""
    return list(session.scalars(select(Owner).order_by(Owner.id)))


def find_owner(session: Session, name: str) -> Owner | None:
    """The owner with this name, ignoring case."""
    wanted = fold_case(name)
    return next((owner for owner in all_owners(session) if fold_case(owner.name) == wanted), None)


def save_owner(session: Session, name: str, password_hash: str) -> Owner:
    """Create an owner, or give an existing one a new password, which ends their sessions. The first setup of the blog
    is then closed. A write transaction must be open. `name` must be clean (text/names.py); an existing owner's spelling
    is kept."""
    owner = find_owner(session, name)
    if owner is None:
        owner = Owner(name=name)
        session.add(owner)
    change_password(session, owner, password_hash)
    close_setup(session, clock.now())
    return owner


def change_password(session: Session, owner: Owner, password_hash: str) -> None:
    """Give an owner a new password, which ends their sessions. A write transaction must be open."""
    owner.password_hash = password_hash
    session.flush()
    end_all_sessions(session, owner.id)


def create_owner(session: Session, name: str, password_hash: str) -> Owner:
    """Create an account. A write transaction must be open."""
    owner = Owner(name=name, password_hash=password_hash)
    session.add(owner)
    session.flush()
    return owner


def owner_names(session: Session) -> dict[int, str]:
    """The name of each owner, by the number of the account, oldest first."""
    return cached_result(session, "owners", lambda: dict(session.connection().execute(NAMES).all()))


def looks_like_the_owner(session: Session, name: str) -> bool:
    """Whether readers could take `name` for an owner's: the same but for case, marks, spaces, punctuation or letters
    that look alike (text/confusables.py)."""
    return any(look_alike(name, owner) for owner in owner_names(session).values())


def add_owner(session: Session, name: str, password_hash: str) -> Owner:
    """Create another owner's account. A write transaction must be open. Raises NameUsed."""
    if any(look_alike(name, owner.name) for owner in _locked_owners(session)):
        raise NameUsed
    return create_owner(session, name, password_hash)


def remove_owner(session: Session, owner_id: int, remover_id: int, before: Sequence[BeforeRemoval]) -> None:
    """Delete an owner's account and sessions, unless the owner `remover_id` was removed in the meantime: so one owner
    always remains. A write transaction must be open."""
    owners = {owner.id: owner for owner in _locked_owners(session)}
    if owner_id not in owners or remover_id not in owners or owner_id == remover_id:
        return
    for act in before:
        act(session, owners[owner_id])
    session.delete(owners[owner_id])
    session.flush()


def _locked_owners(session: Session) -> list[Owner]:
    """Every owner. On PostgreSQL, other transactions that add or remove one wait."""
    locked = select(Owner).order_by(Owner.id).with_for_update()
    return list(session.scalars(locked, execution_options={"populate_existing": True}))
