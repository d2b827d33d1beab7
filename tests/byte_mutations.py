"""Hostile bytes from good ones, for the fuzz tests of the analyzer: the same seed gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

HEAD = 200
"""Bytes at the front, where formats say what they are."""


def mutated(data: bytes, dice: Random, words: Sequence[bytes], *, rounds: Sequence[int], at_head: float) -> bytes:
    """The bytes with some changed, inserted, removed, repeated, moved, or the end cut off; never empty.

    `words`: what is put in. `rounds`: how many changes, one of them is chosen. `at_head`: how likely each is within
    the first `HEAD` bytes.
    """
    out = bytearray(data)
    for _ in range(dice.choice(rounds)):
        at = dice.randrange(min(len(out), HEAD)) if dice.random() < at_head else dice.randrange(len(out))
        _change(out, at, dice, words)
        if not out:
            return b"\0"
    return bytes(out[: dice.randrange(1, len(out) + 1)] if dice.random() < 0.12 else out)


def _change(out: bytearray, at: int, dice: Random, words: Sequence[bytes]) -> None:
    what = dice.randrange(7)
    if what == 0:
        out[at] = dice.randrange(256)
    elif what == 1:
        out[at] ^= 1 << dice.randrange(8)
    elif what == 2:
        word = dice.choice(words)
        out[at : at + len(word)] = word
    elif what == 3:
        out[at:at] = dice.choice(words)
    elif what == 4:
        del out[at : at + dice.randrange(1, 60)]
    elif what == 5:
        out[at:at] = out[at : at + dice.randrange(1, 400)]
    else:
        other = dice.randrange(len(out))
        out[at : at + 30] = out[other : other + 30]
