"""Stretches in which the capture itself stood still: every stream pauses at once (rule CAP-07)."""

from __future__ import annotations

from typing import Final

import numpy as np

from trunkline.analyzer.media.timing import GAP_NS
from trunkline.analyzer.media.window import Array
from trunkline.analyzer.model.stream import Gap, Stream

_MOST: Final = 1_000


class Pauses:
    """Remembers when no RTP came at all."""

    def __init__(self) -> None:
        self._found: list[tuple[int, int, int]] = []
        self._last: tuple[int, int] | None = None

    def take(self, time_ns: Array, file: int) -> None:
        """Times of the RTP packets of a chunk."""
        if not len(time_ns):
            return
        if self._last is not None and self._last[0] == file:
            time_ns = np.concatenate(([self._last[1]], time_ns))
        for index in np.flatnonzero(np.diff(time_ns) > GAP_NS).tolist():
            if len(self._found) < _MOST:
                self._found.append((file, int(time_ns[index]), int(time_ns[index + 1])))
        self._last = (file, int(time_ns[-1]))

    def common(self, streams: list[Stream]) -> list[Gap]:
        """Pauses that streams of at least two senders went through, none of them by silence suppression: one sender
        alone may have stood still with all its streams.
        """
        gaps = []
        first = np.array([stream.first for stream in streams])
        last = np.array([stream.last for stream in streams])
        for _, start_ns, end_ns in self._found:
            start, end = start_ns * 1e-9, end_ns * 1e-9
            rows = np.flatnonzero((first < start + 1e-6) & (last > end - 1e-6))
            through = [streams[row] for row in rows.tolist()]
            if len({stream.src.ip for stream in through}) < 2:
                continue
            holes = [_hole(stream, start, end) for stream in through]
            if any(hole is None or hole.excused for hole in holes):
                continue
            lost = [hole.lost for hole in holes if hole is not None]
            if min(lost) > 0 or max(lost) == 0:
                gaps.append(Gap(start, end - start, sum(lost), False))
        return gaps


def _hole(stream: Stream, start: float, end: float) -> Gap | None:
    return next(
        (gap for gap in stream.gaps if gap.start <= start + 1e-6 and gap.start + gap.seconds >= end - 1e-6), None
    )
