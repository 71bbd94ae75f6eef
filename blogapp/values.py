"""Classes of values that do not change."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Like `dataclass(frozen=True)`, which compiles six methods for each class: those of eighty classes took a tenth of
    a start. This compiles one. A value must not be changed, which only the type checker enforces."""
    known: Any = dataclass(eq=False, repr=False)(cls)
    values_of = attrgetter(*(each.name for each in fields(known)))
    shown = [each.name for each in fields(known) if each.repr]

    def __eq__(self: object, other: object) -> Any:
        return values_of(self) == values_of(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: object) -> int:
        return hash(values_of(self))

    def __repr__(self: object) -> str:
        return f"{cls.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    for method in (__eq__, __hash__, __repr__):
        setattr(cls, method.__name__, method)
    return cls
