"""Values that do not change behave like frozen dataclasses."""

from __future__ import annotations

from dataclasses import asdict, field, replace

from blogapp.values import frozen


@frozen
class Place:
    name: str
    number: int = 1
    secret: str = field(default="", repr=False)


@frozen
class Other:
    name: str
    number: int = 1
    secret: str = ""


def test_values_are_equal_if_their_class_and_fields_are() -> None:
    assert Place("a") == Place("a", 1) != Place("a", 2)
    other: object = Other("a")
    assert Place("a") != other


def test_equal_values_have_the_same_hash() -> None:
    assert {Place("a"): "found"}[Place("a", 1)] == "found"
    assert len({Place("a"), Place("a"), Place("b")}) == 2


def test_value_is_copied_with_changes() -> None:
    assert replace(Place("a", 2), name="b") == Place("b", 2)
    assert asdict(Place("a")) == {"name": "a", "number": 1, "secret": ""}


def test_value_is_printed_without_hidden_fields() -> None:
    assert repr(Place("a", secret="s")) == "Place(name='a', number=1)"
