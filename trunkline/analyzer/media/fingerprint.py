"""What a stream carries, in a few numbers: two streams that carry the same audio have most of them in common."""

from __future__ import annotations

from typing import Final

import numpy as np

from trunkline.analyzer.media.columns import Packets

MOST_STREAMS: Final = 128
"""Of an input: with more of them it is no single call that somebody looks at, and time is better spent otherwise."""
_MOST: Final = 256
_CHOSEN: Final = 0x1F
"""The payload itself decides whether its packet is taken (one in 16): so the same ones are taken of each stream,
wherever that begins. The lowest bit of a signature is always set.
"""

Fingerprint = dict[int, float]
"""Signature of a payload to the time of its packet, in seconds."""


def fingerprint(packets: Packets) -> Fingerprint:
    """Of payloads that occur once: silence and tones come again and again, and prove nothing."""
    rows = np.flatnonzero((packets.signature & _CHOSEN) == 1)[: 4 * _MOST]
    if not len(rows):
        return {}
    signature = packets.signature[rows].astype(np.int64)
    _, first = np.unique(signature << 32 | packets.timestamp[rows], return_index=True)  # without copies
    rows, signature = rows[first], signature[first]
    _, where, count = np.unique(signature, return_index=True, return_counts=True)
    single = where[count == 1][:_MOST]  # the lowest values, which are the same in both streams
    times = (packets.time_ns[rows[single]] * 1e-9).tolist()
    return dict(zip(signature[single].tolist(), times, strict=True))


def in_common(one: Fingerprint, two: Fingerprint, longest: float, jitter: float) -> tuple[int, int, float]:
    """How many payloads of `one` come again in `two`, evenly late by no more than `longest` seconds; how many could
    have, while both ran; and by how many seconds.
    """
    shared = one.keys() & two.keys()
    late = sorted(two[value] - one[value] for value in shared)
    late = [seconds for seconds in late if -jitter <= seconds <= longest]
    if not late:
        return 0, 0, 0.0
    median = late[len(late) // 2]
    even = sum(abs(seconds - median) <= jitter for seconds in late)
    begin, end = max(min(one.values()), min(two.values())), min(max(one.values()), max(two.values()))
    both = min(sum(begin - longest <= time <= end + longest for time in half.values()) for half in (one, two))
    return even, max(both, even), median
