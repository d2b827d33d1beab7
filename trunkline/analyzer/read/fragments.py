"""IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5). Overlaps: what came first stays."""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.analyzer.limits import Limits

Key = tuple[str, str, int, int]
"""Source, destination, protocol, identification."""
MOST_PARTS = 512
"""Of one datagram: the longest that there is needs 120 on the smallest links in use."""
OLD_NS = 30_000_000_000
"""After that, the same identification is another datagram (RFC 791 suggests 15 s, RFC 8200 60 s)."""


@dataclass(slots=True)
class Waiting:
    """A datagram of which some fragments are here."""

    begun_ns: int
    parts: dict[int, bytes] = field(default_factory=dict)
    """By offset in bytes."""
    frames: list[int] = field(default_factory=list)
    total: int = -1
    """Bytes of the whole; -1: the last fragment is not here yet."""
    held: int = 0
    file: int = 0
    cut: bool = False

    def whole(self) -> bytes | None:
        """The datagram, if nothing is missing."""
        if self.total < 0 or self.held < self.total:
            return None
        reached = 0
        for offset in sorted(self.parts):
            if offset > reached:
                return None
            reached = max(reached, offset + len(self.parts[offset]))
        if reached < self.total:
            return None
        out = bytearray(reached)
        for offset, part in reversed(self.parts.items()):
            out[offset : offset + len(part)] = part
        return bytes(out[: self.total])


class Fragments:
    """All datagrams that wait, the oldest first; the limit is on fragments."""

    def __init__(self, limits: Limits) -> None:
        self.limit = limits.fragments
        self.waiting: dict[Key, Waiting] = {}
        self.count = 0
        self.lost: list[tuple[Key, Waiting]] = []
        """Given up: the first fragment is here, others never came."""

    def add(
        self, key: Key, offset: int, more: bool, part: bytes, number: int, time_ns: int, *, file: int, cut: bool
    ) -> Waiting | None:
        """The datagram whose last missing fragment this is; ask it for `whole()`. None: it still waits."""
        one = self.waiting.get(key)
        if one is not None and abs(time_ns - one.begun_ns) > OLD_NS:
            self.drop(key)
            one = None
        if one is None:
            one = self.waiting[key] = Waiting(time_ns, file=file)
        if offset not in one.parts or len(one.parts[offset]) < len(part):
            one.held += len(part) - len(one.parts.get(offset, b""))
            if offset not in one.parts:
                self.count += 1
            one.parts[offset] = part
        one.cut = one.cut or cut
        if number not in one.frames[-64:] and len(one.frames) < 8192:
            one.frames.append(number)
        if not more and one.total < 0:
            one.total = offset + len(part)
        if len(one.parts) > MOST_PARTS:
            self.drop(key)
            return None
        if one.whole() is not None:
            self.count -= len(one.parts)
            return self.waiting.pop(key)
        while self.count > self.limit:
            self.drop(next(iter(self.waiting)))
        return None

    def drop(self, key: Key) -> None:
        one = self.waiting.pop(key)
        self.count -= len(one.parts)
        if 0 in one.parts and len(self.lost) < self.limit:
            one.parts = {0: one.parts[0]}
            self.lost.append((key, one))

    def finish(self) -> list[tuple[Key, Waiting]]:
        """What never became whole, where its first fragment is here."""
        for key in list(self.waiting):
            self.drop(key)
        return self.lost
