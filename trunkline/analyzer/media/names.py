"""Numbers for streams: flow and SSRC to a small number, without a sort for each chunk."""

from __future__ import annotations

from typing import Final

import numpy as np

from trunkline.analyzer.media.window import Array

_MOST_OF_A_FLOW: Final = 256
"""SSRCs of one flow: what has more is no RTP."""


class Names:
    """Numbers in the order in which the streams appear. The SSRC that a flow had last is found at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[int, int] = {}
        self._keys: list[int] = []
        self._of_flow: dict[int, int] = {}
        self._last_ssrc = np.zeros(0, np.int64)
        self._last_number = np.zeros(0, np.int64)

    def key(self, number: int) -> tuple[int, int]:
        """Flow and SSRC of a number."""
        return divmod(self._keys[number], 1 << 32)

    def numbers(self, flow: Array, ssrc: Array) -> Array:
        """The number of each packet; -1: beyond a limit."""
        if len(flow) and int(flow.max()) >= len(self._last_ssrc):
            more = 2 * int(flow.max()) + 64 - len(self._last_ssrc)
            self._last_ssrc = np.concatenate((self._last_ssrc, np.full(more, -1, np.int64)))
            self._last_number = np.concatenate((self._last_number, np.full(more, -1, np.int64)))
        wanted = ssrc.astype(np.int64)
        number = self._last_number[flow]
        other = np.flatnonzero(self._last_ssrc[flow] != wanted)
        if len(other):
            number[other] = self._find(flow[other].astype(np.int64) << 32 | wanted[other])
            self._last_ssrc[flow[other]] = wanted[other]
            self._last_number[flow[other]] = number[other]
        return number

    def _find(self, key: Array) -> Array:
        unique, first, inverse = np.unique(key, return_index=True, return_inverse=True)
        numbers = np.empty(len(unique), np.int64)
        for index in np.argsort(first).tolist():
            numbers[index] = self._number(int(unique[index]))
        found: Array = numbers[inverse]
        return found

    def _number(self, key: int) -> int:
        number = self._known.get(key)
        if number is None:
            flow = key >> 32
            of_flow = self._of_flow.get(flow, 0)
            if of_flow >= _MOST_OF_A_FLOW or len(self._keys) >= self._most:
                return -1
            self._of_flow[flow] = of_flow + 1
            number = self._known[key] = len(self._keys)
            self._keys.append(key)
        return number
