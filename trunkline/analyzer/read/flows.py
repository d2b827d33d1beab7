"""Numbers for (source, destination) pairs, given to whole columns at once.

A table of 2^18 slots is looked up with numpy; only pairs that are new, or share a slot with another one, reach Python.
The pair itself is compared, not its hash alone; two addresses of IPv6 take part folded to 64 bits by a secret number.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from trunkline.analyzer.read.packet_table import Flows, Ints

Words = npt.NDArray[np.uint64]
SLOTS_BITS = 18
Name = Callable[[int], tuple[str, int, str, int]]
"""Writes out the pair of a row."""
MIX = np.uint64(0x9E3779B97F4A7C15)


def address_text(raw: bytes) -> str:
    """Canonical text of 4 or 16 bytes."""
    if len(raw) == 4:
        return socket.inet_ntoa(raw)
    from ipaddress import IPv6Address

    return str(IPv6Address(raw))


class FlowNumbers:
    """The numbers of one analysis. A pair beyond the limit gets -1."""

    def __init__(self, limit: int) -> None:
        self.flows = Flows([])
        self.limit = limit
        self.refused = 0
        self.known: dict[tuple[str, int, str, int], int] = {}
        self.by_words: dict[tuple[int, int], int] = {}
        slots = 1 << SLOTS_BITS
        self.slot_a = np.zeros(slots, np.uint64)
        self.slot_b = np.full(slots, (1 << 64) - 1, np.uint64)
        self.slot_flow = np.zeros(slots, np.int64)
        self.fold = np.frombuffer(os.urandom(32), np.uint64) | np.uint64(1)

    def one(self, src: str, sport: int, dst: str, dport: int) -> int:
        """The number of one pair."""
        key = (src, sport, dst, dport)
        found = self.known.get(key)
        if found is not None:
            return found
        if len(self.flows.keys) >= self.limit:
            self.refused += 1
            return -1
        number = self.known[key] = len(self.flows.keys)
        self.flows.keys.append(key)
        return number

    def ipv4(self, addresses: Words, ports: npt.NDArray[np.uint32]) -> Ints:
        """Addresses: source << 32 | destination; ports: source << 16 | destination."""

        def name(index: int) -> tuple[str, int, str, int]:
            raw, pair = int(addresses[index]).to_bytes(8, "big"), int(ports[index])
            return address_text(raw[:4]), pair >> 16, address_text(raw[4:]), pair & 0xFFFF

        return self.numbers(addresses, ports.astype(np.uint64), name)

    def ipv6(self, addresses: npt.NDArray[np.uint8], ports: npt.NDArray[np.uint32]) -> Ints:
        """Addresses: (n, 32) bytes."""
        words = np.ascontiguousarray(addresses).view(np.uint64)
        folded = np.zeros(len(words), np.uint64)
        for column in range(4):
            folded = (folded ^ (words[:, column] * self.fold[column])) * MIX
            folded ^= folded >> np.uint64(29)

        def name(index: int) -> tuple[str, int, str, int]:
            raw, pair = addresses[index].tobytes(), int(ports[index])
            return address_text(raw[:16]), pair >> 16, address_text(raw[16:]), pair & 0xFFFF

        # Bit 32 keeps them apart from pairs of IPv4.
        return self.numbers(folded, ports.astype(np.uint64) | np.uint64(1 << 32), name)

    def numbers(self, a: Words, b: Words, name: Name) -> Ints:
        slot = (((a ^ (a >> np.uint64(31))) * MIX + b) * MIX) >> np.uint64(64 - SLOTS_BITS)
        found: Ints = self.slot_flow[slot]
        missing = np.flatnonzero((self.slot_a[slot] != a) | (self.slot_b[slot] != b))
        if len(missing) == 0:
            return found
        if len(missing) > 64:
            # Often all packets of a few new pairs: bring them down to one each first.
            order = np.lexsort((b[missing], a[missing]))
            pick = missing[order]
            new = np.empty(len(pick), bool)
            new[0] = True
            new[1:] = (a[pick[1:]] != a[pick[:-1]]) | (b[pick[1:]] != b[pick[:-1]])
            # lexsort is stable: the first of each run is the first packet of the pair, and numbers go by appearance.
            heads = pick[new]
            group = np.cumsum(new) - 1
            by_time = np.argsort(heads, kind="stable")
            given = np.empty(len(heads), np.int64)
            given[by_time] = [self.learn(int(i), int(a[i]), int(b[i]), int(slot[i]), name) for i in heads[by_time]]
            found[pick] = given[group]
        else:
            for i in missing.tolist():
                found[i] = self.learn(i, int(a[i]), int(b[i]), int(slot[i]), name)
        return found

    def learn(self, index: int, a: int, b: int, slot: int, name: Name) -> int:
        number = self.by_words.get((a, b))
        if number is None:
            number = self.one(*name(index))
            if number < 0:
                return number
            self.by_words[a, b] = number
        self.slot_a[slot], self.slot_b[slot], self.slot_flow[slot] = a, b, number
        return number
