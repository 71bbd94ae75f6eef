"""Owners' accounts, and the names that nobody else may use."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.owners.models import Owner
from blogapp.text.confusables import skeleton


def looks_like_the_owner(session: Session, name: str) -> bool:
    """Whether readers could take `name` for an owner's: the same but for case, marks, spaces, signs or look-alike
    letters of other scripts (Unicode Technical Standard 39's confusables)."""
    looks = skeleton(name)
    return any(skeleton(owner) == looks for owner in session.scalars(select(Owner.name)))
