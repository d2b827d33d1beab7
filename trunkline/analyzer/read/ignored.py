"""Connections that nobody reads, for whole columns: their segments need not reach the slow path."""

from __future__ import annotations

import os
import socket

import numpy as np
import numpy.typing as npt

from trunkline.analyzer.read.records import Mask

Words = npt.NDArray[np.uint64]
WORD = (1 << 64) - 1


class Ignored:
    """Directions of TCP over IPv4, by a mix of their addresses and ports with numbers that nobody outside knows."""

    def __init__(self) -> None:
        self.factors = [int.from_bytes(os.urandom(8), "big") | 1 for _ in range(2)]
        self.keys: set[int] = set()
        self.column: Words | None = None

    def key(self, src: str, sport: int, dst: str, dport: int) -> int | None:
        if ":" in src or ":" in dst:
            return None
        ends = int.from_bytes(socket.inet_aton(src) + socket.inet_aton(dst), "big")
        return (ends * self.factors[0] & WORD) ^ ((sport << 16 | dport) * self.factors[1] & WORD)

    def add(self, src: str, sport: int, dst: str, dport: int) -> None:
        key = self.key(src, sport, dst, dport)
        if key is not None:
            self.keys.add(key)
            self.column = None

    def discard(self, src: str, sport: int, dst: str, dport: int) -> None:
        """It begins anew."""
        key = self.key(src, sport, dst, dport)
        if key in self.keys:
            self.keys.discard(key)
            self.column = None

    def among(self, ends: Words, ports: Words) -> Mask:
        """Which rows belong to one. `ends`: source << 32 | destination, `ports`: source << 16 | destination."""
        if not self.keys:
            return np.zeros(len(ends), bool)
        if self.column is None:
            self.column = np.sort(np.fromiter(self.keys, np.uint64, len(self.keys)))
        mixed = (ends * np.uint64(self.factors[0])) ^ (ports * np.uint64(self.factors[1]))
        place = np.minimum(np.searchsorted(self.column, mixed), len(self.column) - 1)
        found: Mask = self.column[place] == mixed
        return found
