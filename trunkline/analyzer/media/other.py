"""UDP that is not RTP: STUN, DTLS, ZRTP, fax over UDPTL, and what nobody knows, flow by flow."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from trunkline.analyzer.media import demux
from trunkline.analyzer.media.window import Array, Bytes
from trunkline.analyzer.model.capture import Endpoint, Place
from trunkline.analyzer.model.stream import OtherFlow

_NAMES: Final = {demux.RTCP: "rtcp", demux.STUN: "stun", demux.DTLS: "dtls", demux.ZRTP: "zrtp"}
_FIRST: Final = 40
"""Packets of an unknown flow that are looked at for UDPTL."""
_MOST_FLOWS: Final = 200_000
_MOST_STUN: Final = 20_000
_COOKIE: Final = 0x2112A442


@dataclass(slots=True)
class _Flow:
    packets: int
    first: int
    last: int
    place: Place
    mapped: Endpoint | None = None
    heads: list[tuple[int, int, int]] = field(default_factory=list)
    """Of unknown ones: first two bytes, third byte, length on the wire."""


class OtherFlows:
    """Counts by kind and flow, chunk after chunk."""

    def __init__(self) -> None:
        self._flows: dict[tuple[int, int], _Flow] = {}
        self._stun_read = 0

    def take(
        self, kind: Array, flow: Array, time_ns: Array, frame: Array, file: int, head: Bytes, wire_length: Array
    ) -> None:
        """Rows of a chunk that are not RTP."""
        key = flow.astype(np.int64) * 8 + kind
        order = np.argsort(key, kind="stable")
        sorted_key = key[order]
        cuts = np.flatnonzero(np.diff(sorted_key, prepend=-1))
        for start, end in zip(cuts.tolist(), [*cuts[1:].tolist(), len(order)], strict=True):
            rows = order[start:end]
            number, what = divmod(int(sorted_key[start]), 8)
            self._count(what, number, rows, time_ns, frame, file)
            if what == demux.OTHER:
                self._look(number, rows, head, wire_length)

    def _count(self, what: int, number: int, rows: Array, time_ns: Array, frame: Array, file: int) -> None:
        known = self._flows.get((what, number))
        first, last = int(time_ns[rows[0]]), int(time_ns[rows].max())
        if known is not None:
            known.packets += len(rows)
            known.last = max(known.last, last)
        elif len(self._flows) < _MOST_FLOWS:
            self._flows[what, number] = _Flow(len(rows), first, last, Place(file, int(frame[rows[0]])))

    def _look(self, number: int, rows: Array, head: Bytes, wire_length: Array) -> None:
        known = self._flows.get((demux.OTHER, number))
        if known is None or len(known.heads) >= _FIRST:
            return
        for row in rows[: _FIRST - len(known.heads)]:
            known.heads.append((int(head[row, 0]) << 8 | int(head[row, 1]), int(head[row, 2]), int(wire_length[row])))

    def stun(self, number: int, message: bytes) -> None:
        """A STUN datagram: the first mapped address of a flow is kept."""
        known = self._flows.get((demux.STUN, number))
        self._stun_read += 1
        if known is not None and known.mapped is None and self._stun_read <= _MOST_STUN:
            known.mapped = mapped_address(message)

    def finish(self, endpoints: list[tuple[Endpoint, Endpoint]]) -> list[OtherFlow]:
        """By first packet."""
        found = []
        for (what, number), seen in sorted(self._flows.items(), key=lambda item: (item[1].first, item[0])):
            src, dst = endpoints[number]
            name = _NAMES.get(what) or ("udptl" if is_udptl(seen.heads) else "unknown")
            if what == demux.RTCP and min(src.port, dst.port) < 1024:
                name = "unknown"  # DNS and the like begin so by chance
            first, last = seen.first * 1e-9, seen.last * 1e-9
            found.append(OtherFlow(name, src, dst, seen.packets, first, last, seen.place, seen.mapped))  # type: ignore[arg-type]
        return found


def is_udptl(heads: list[tuple[int, int, int]]) -> bool:
    """Numbers that count up from near 0, a first packet of T.38 that fits, and redundancy behind it (ITU-T T.38
    section 9.1).
    """
    if len(heads) < 3:
        return False
    numbers = [number for number, _, _ in heads]
    moves = [later - earlier for earlier, later in pairwise(numbers)]
    if numbers[0] > 2000 or sum(0 <= move <= 2 for move in moves) < 0.8 * len(moves) or not any(moves):
        return False
    fits = [size > 0 and 3 + size < wire for _, size, wire in heads]
    return sum(fits) >= 0.9 * len(fits)


def mapped_address(message: bytes) -> Endpoint | None:
    """(XOR-)MAPPED-ADDRESS of a success response (RFC 8489 sections 14.1 and 14.2); None: none, or unreadable."""
    if len(message) < 20 or message[:2] != b"\x01\x01":
        return None
    found: Endpoint | None = None
    for kind, value in _attributes(message):
        if kind == 0x0020 and message[4:8] == _COOKIE.to_bytes(4, "big"):
            return _address(value, message[4:20]) or found
        if kind == 0x0001:
            found = _address(value, bytes(16))
    return found


def _attributes(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = 20
    while at + 4 <= len(message):
        kind, size = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 2 : at + 4], "big")
        yield kind, message[at + 4 : at + 4 + size]
        at += 4 + (size + 3 & ~3)


def _address(value: bytes, mask: bytes) -> Endpoint | None:
    wide = {1: 4, 2: 16}.get(value[1]) if len(value) >= 2 else None
    if wide is None or len(value) < 4 + wide:
        return None
    port = int.from_bytes(value[2:4], "big") ^ int.from_bytes(mask[:2], "big")
    raw = bytes(byte ^ key for byte, key in zip(value[4 : 4 + wide], mask, strict=False))
    return Endpoint(str(ipaddress.ip_address(raw)), port)
