"""Owners' accounts, and the check for names that imitate theirs."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp import clock
from blogapp.owners.models import Owner
from blogapp.owners.sessions import end_all_sessions
from blogapp.site.setup import close_setup
from blogapp.text.confusables import look_alike
from blogapp.text.names import fold_case

NAMES = select(Owner.name).order_by(Owner.id)  # built once: it is executed for every comment


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


def create_first_owner(session: Session, name: str, password_hash: str) -> Owner:
    """Create the account of the first setup. A write transaction must be open."""
    owner = Owner(name=name, password_hash=password_hash)
    session.add(owner)
    session.flush()
    return owner


def looks_like_the_owner(session: Session, name: str) -> bool:
    """Whether readers could take `name` for an owner's: the same but for case, marks, spaces, punctuation or letters
    that look alike (text/confusables.py)."""
    return any(look_alike(name, owner) for owner in session.connection().scalars(NAMES))
