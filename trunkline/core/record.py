"""Records that are built for every call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A dataclass with slots that nobody changes: the type checker holds it frozen, at run time nothing does.

    A dataclass that is frozen at run time sets each field by `object.__setattr__`, which makes it five times as slow to
    build, and a decision builds six of them. What is not built for every call is better a frozen dataclass.
    """
    return dataclass(slots=True)(cls)
