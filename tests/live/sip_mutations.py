"""SIP requests that are a little, or very, wrong: made from good ones by a seed, the same each time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

LONGEST = 60_000
"""Bytes that fit into a UDP datagram."""
NASTY = (
    b"\x00",
    b"\xff\xfe",
    b"\r\n",
    b"\r\n\r\n",
    b"%00",
    b"%0d%0aEvil: yes",
    b"'; DROP TABLE calls;--",
    b'" OR 1=1 --',
    b"<script>",
    b"-1",
    b"0",
    b"4294967296",
    b"99999999999999999999",
    b"{",
    b"}",
    b"$var(x)",
    b"$(avp(tl))",
    b"%s%n",
    b"\\",
    b'"',
    b"<",
    b">",
    b";;;;",
    b",,,,",
    b"::::",
    b"[::1",
    b"\xe2\x80\xae",
    b"sip:",
    b"sips:",
    b"tel:",
    b"@",
    b"@@",
    b"=",
    b"\t",
    b" " * 100,
    b"A" * 3000,
)

Change = Callable[[random.Random, bytes], bytes]


def flip(dice: random.Random, text: bytes) -> bytes:
    found = bytearray(text)
    for _ in range(dice.randint(1, 8)):
        found[dice.randrange(len(found))] = dice.randrange(256)
    return bytes(found)


def cut(dice: random.Random, text: bytes) -> bytes:
    return text[: dice.randrange(1, len(text))]


def drop_bytes(dice: random.Random, text: bytes) -> bytes:
    start = dice.randrange(len(text))
    return text[:start] + text[start + dice.randint(1, 40) :] or b"x"


def insert(dice: random.Random, text: bytes) -> bytes:
    place = dice.randrange(len(text))
    return text[:place] + dice.choice(NASTY) + text[place:]


def _lines(text: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = text.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def _joined(lines: list[bytes], body: bytes) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def drop_line(dice: random.Random, text: bytes) -> bytes:
    lines, body = _lines(text)
    del lines[dice.randrange(len(lines))]
    return _joined(lines, body)


def double_line(dice: random.Random, text: bytes) -> bytes:
    lines, body = _lines(text)
    line = dice.choice(lines)
    lines[dice.randrange(len(lines)) : 0] = [line] * dice.choice((1, 2, 50))
    return _joined(lines, body)


def shuffle(dice: random.Random, text: bytes) -> bytes:
    lines, body = _lines(text)
    rest = lines[1:]
    dice.shuffle(rest)
    return _joined([lines[0], *rest], body)


def new_value(dice: random.Random, text: bytes) -> bytes:
    lines, body = _lines(text)
    place = dice.randrange(len(lines))
    name, colon, _ = lines[place].partition(b":")
    lines[place] = name + colon + b" " + dice.choice(NASTY) * dice.choice((1, 1, 1, 20))
    return _joined(lines, body)


def other_body(dice: random.Random, text: bytes) -> bytes:
    lines, body = _lines(text)
    return _joined(lines, flip(dice, body) if body and dice.random() < 0.7 else dice.choice(NASTY))


CHANGES: tuple[Change, ...] = (
    flip, cut, drop_bytes, insert, insert, drop_line, double_line, shuffle, new_value, new_value, other_body,
)  # fmt: skip


def mutated(good: Callable[[int], bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` wrong requests; `good(n)` makes the n-th right one (its Call-ID and branch its own)."""
    dice = random.Random(seed)
    for n in range(count):
        text = good(n)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            text = dice.choice(CHANGES)(dice, text)
        yield text[:LONGEST]
