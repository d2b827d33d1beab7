"""The order of attempts: priority by priority, low first, and within one priority at random by weight (RFC 2782)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate
from random import Random
from typing import Protocol, TypeVar


class Ranked(Protocol):
    @property
    def priority(self) -> int: ...
    @property
    def weight(self) -> int: ...


R = TypeVar("R", bound=Ranked)
Rank = tuple[float, float]


def in_order_of(rows: Iterable[R], rank: Callable[[R], Rank], dice: Random) -> list[R]:
    """The same by another rank than the priority alone, low first; by weight among those of one rank."""
    by_rank: dict[Rank, list[R]] = {}
    for row in rows:
        by_rank.setdefault(rank(row), []).append(row)
    return [row for key in sorted(by_rank) for row in _by_weight(by_rank[key], dice)]


def in_order(rows: Iterable[R], dice: Random) -> list[R]:
    """All rows in the order in which to try them."""
    rows = list(rows)
    if len(rows) < 2:
        return rows
    by_priority: dict[int, list[R]] = {}
    for row in rows:
        by_priority.setdefault(row.priority, []).append(row)
    ordered: list[R] = []
    for priority in sorted(by_priority):
        group = by_priority[priority]
        ordered += group if len(group) == 1 else _by_weight(group, dice)
    return ordered


def _by_weight(group: list[R], dice: Random) -> list[R]:
    """RFC 2782, "Weight": draw without replacement. Weight 0 stands first in each draw, so that it has a very small
    chance; without one, a draw of 0 would be a gift to whoever stands first (two of weight 1: two thirds to a third).
    """
    left = sorted(group, key=lambda row: row.weight > 0)
    ordered: list[R] = []
    while len(left) > 1:
        running = list(accumulate(max(0, row.weight) for row in left))
        ordered.append(left.pop(bisect_left(running, dice.randint(int(running[0] > 0), running[-1]))))
    return ordered + left
