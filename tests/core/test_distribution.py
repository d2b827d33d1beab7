from __future__ import annotations

from collections import Counter
from random import Random
from typing import NamedTuple

import pytest

from trunkline.core.distribution import in_order


class Row(NamedTuple):
    name: str
    priority: int
    weight: int


def test_low_priorities_first_and_every_row_once():
    rows = [Row("c", 20, 1), Row("a", 10, 1), Row("b", 10, 1), Row("d", 30, 0)]
    for seed in range(50):
        ordered = [row.name for row in in_order(rows, Random(seed))]
        assert sorted(ordered[:2]) == ["a", "b"]
        assert ordered[2:] == ["c", "d"]


def test_shares_follow_the_weights():
    rows = [Row("light", 10, 10), Row("heavy", 10, 30)]
    dice = Random(1)
    first = Counter(in_order(rows, dice)[0].name for _ in range(4000))
    assert 0.71 < first["heavy"] / 4000 < 0.79


@pytest.mark.parametrize("weights", [(1, 1), (10, 30), (1, 2, 7), (10, 10, 10), (65535, 1), (5, 0), (100, 1, 1, 1)])
def test_shares_of_10000_choices_are_within_2_percent(weights):
    rows = [Row(str(n), 10, weight) for n, weight in enumerate(weights)]
    dice = Random(20260)
    first = Counter(in_order(rows, dice)[0].name for _ in range(10_000))
    for row in rows:
        wanted = row.weight / sum(weights)
        # One at weight 0 gets what RFC 2782 calls a very small chance.
        assert abs(first[row.name] / 10_000 - wanted) < 0.02 + (0.2 if 0 in weights else 0), (weights, first)


def test_weight_0_comes_last_nearly_always_but_comes():
    rows = [Row("none", 10, 0), Row("some", 10, 100)]
    dice = Random(1)
    first = Counter(in_order(rows, dice)[0].name for _ in range(4000))
    assert 0 < first["none"] < 120


def test_all_weights_0_and_nothing_at_all():
    assert len(in_order([Row("a", 1, 0), Row("b", 1, 0)], Random(1))) == 2
    assert in_order([], Random(1)) == []


def test_the_same_dice_give_the_same_order():
    rows = [Row(str(n), 1, n) for n in range(20)]
    assert in_order(rows, Random(3)) == in_order(rows, Random(3))
