"""Sequence numbers: restarts, loss, bursts, duplicates, reordering (RFC 3550 appendix A.1 and A.3, ITU-T G.107 for
bursts).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from trunkline.analyzer.media.columns import Packets
from trunkline.analyzer.media.window import Array

JUMP: Final = 1000
"""Sequence numbers: what jumps further, and has no relation to the time that went by, is another stream."""
_ODD: Final = 100
"""Steps that are looked at one by one."""
_BACK: Final = 30
"""The same for steps back."""
_MOST_LOST: Final = 2_000_000
"""Lost packets that get a time of their own: hostile numbers make any amount of loss."""
_MOST_ODD: Final = 400
"""With more of them, the numbers are no sequence that a restart could be found in."""
TWICE_NS: Final = 5_000_000
"""A copy that comes sooner was made by the capture (rule CAP-03): no network repeats a packet that fast and often."""


def steps(sequence: Array) -> Array:
    """From packet to packet, -32,768 to 32,767."""
    moved = sequence[1:].astype(np.int32) - sequence[:-1]
    return ((moved + 32_768) & 0xFFFF) - 32_768


def timestamp_steps(timestamp: Array) -> Array:
    """From packet to packet, modulo 2^32, as signed int64."""
    return (timestamp[1:] - timestamp[:-1]).view(np.int32).astype(np.int64)


def split(packets: Packets) -> list[tuple[Packets, Array | None]]:
    """The packets between restarts of the sequence; each with a mask of those that belong to it (None: all do).

    What does not belong is a single packet with a number from elsewhere: it is counted as a packet, but not as a range
    of loss.
    """
    step = steps(packets.sequence)
    odd = np.flatnonzero((step > _ODD) | (step < -_BACK))
    if not len(odd):
        return [(packets, None)]
    if len(odd) > _MOST_ODD:
        return [(packets, _in_line(step))]
    cuts, stray = _judge(packets, step, odd.tolist())
    belongs = np.ones(len(packets), bool)
    belongs[stray] = False
    edges = [0, *cuts, len(packets)]
    return [
        (packets.pick(slice(start, end)), None if belongs[start:end].all() else belongs[start:end])
        for start, end in pairwise(edges)
    ]


def _judge(packets: Packets, step: Array, odd: list[int]) -> tuple[list[int], list[int]]:
    """Indices at which a new sequence begins, and of stray packets."""
    moved = timestamp_steps(packets.timestamp)
    quick = np.diff(packets.time_ns)
    small = np.abs(step) <= _BACK
    usual = float(np.median(moved[step == 1])) if (step == 1).any() else 160.0
    spacing = max(1.0, float(np.mean(quick[small])) if small.any() else float(np.ptp(packets.time_ns)) / len(packets))
    cuts: list[int] = []
    stray: list[int] = []
    for index in odd:
        if stray and stray[-1] == index:
            continue
        jump, after = int(step[index]), index + 2
        last = after == len(packets)
        if not last and abs(step[index + 1]) > _BACK and abs(_distance(packets.sequence, index, after)) <= _ODD:
            stray += [index + 1] if abs(jump) > JUMP else []
            continue
        related = abs(float(moved[index]) - jump * usual) <= 0.25 * abs(jump * usual)
        elapsed = float(quick[index]) / spacing
        if abs(jump) <= JUMP and (last or abs(step[index + 1]) > 3):
            continue
        if _begins_anew(packets, index + 1, jump, elapsed, related):
            (stray if last else cuts).append(index + 1)
    return cuts, stray


def _begins_anew(packets: Packets, index: int, jump: int, elapsed: float, related: bool) -> bool:
    """Whether a jump to the packet at `index` is a restart and not loss, delay, or a file joined to another.

    `elapsed`: the time it took, in packets; `related`: whether the timestamp jumped as far as the number.
    """
    if jump < 0 and elapsed < 0:
        return False  # files joined end to end: the same time comes again
    if abs(jump) > JUMP:
        return not (0.6 * jump <= elapsed <= 1.6 * jump and (related or jump < 20 * JUMP))
    if jump > 0:
        return not related and elapsed < 0.5 * jump  # so many cannot have been lost in so little time
    return not related or _comes_again(packets, index)


def _distance(sequence: Array, start: int, end: int) -> int:
    return (int(sequence[end]) - int(sequence[start]) + 32_768 & 0xFFFF) - 32_768


def _comes_again(packets: Packets, index: int) -> bool:
    """Whether the packet's number was there a second or more before: a recording that is played again."""
    before = np.flatnonzero(packets.sequence[:index] == packets.sequence[index])
    return len(before) > 0 and bool(packets.time_ns[index] - packets.time_ns[before[-1]] > 1_000_000_000)


def _in_line(step: Array) -> Array:
    """Mask of packets that follow their predecessor or lead to their successor."""
    close = np.abs(step) <= _ODD
    return np.concatenate(([False], close)) | np.concatenate((close, [False]))


@dataclass(slots=True)
class Order:
    """What the sequence numbers of one stream say."""

    extended: Array
    """Of each packet, from the first one's number on."""
    repeated: Array | None
    """Mask of packets whose number was there before; None: none."""
    twice: Array | None
    """Mask of those of them that the capture made."""
    expected: int
    lost: int
    duplicates: int
    reordered: int
    runs: Array
    """Lengths of the runs of lost packets, by number."""
    run_after: Array
    """Index of the packet before each run, into this stream's packets."""
    run_before: Array
    """Index of the packet after each run."""


def order_of(packets: Packets) -> Order:
    """`packets` of one stream between restarts, at least one."""
    step = steps(packets.sequence)
    extended = np.empty(len(packets), np.int64)
    extended[0] = packets.sequence[0]
    np.cumsum(step, out=extended[1:])
    extended[1:] += extended[0]
    nothing = np.zeros(0, np.int64)
    if len(step) == 0 or (step == 1).all():
        return Order(extended, None, None, len(packets), 0, 0, 0, nothing, nothing, nothing)
    if (step > 0).all():
        return _order(extended, np.arange(len(packets)), None, None, 0, 0)
    by_number = np.argsort(extended, kind="stable")
    line = extended[by_number]
    again = np.concatenate(([False], line[1:] == line[:-1]))
    repeated = np.zeros(len(packets), bool)
    repeated[by_number[again]] = True
    late = extended < np.maximum.accumulate(extended)
    reordered = int((late & ~repeated).sum())
    first = by_number[~again]
    twice = _captured_twice(packets, by_number, again) if again.any() else None
    duplicates = int(repeated.sum()) - (int(twice.sum()) if twice is not None else 0)
    return _order(extended, first, repeated if again.any() else None, twice, duplicates, reordered)


def _order(
    extended: Array, first: Array, repeated: Array | None, twice: Array | None, duplicates: int, reordered: int
) -> Order:
    """`first`: index of the first packet of each number, by number."""
    line = extended[first]
    hole = np.diff(line) - 1
    where = np.flatnonzero(hole)
    expected = int(line[-1] - line[0]) + 1
    return Order(
        extended,
        repeated,
        twice,
        expected,
        expected - len(line),
        duplicates,
        reordered,
        hole[where],
        first[where],
        first[where + 1],
    )


def _captured_twice(packets: Packets, by_number: Array, again: Array) -> Array:
    """Copies with the same timestamp and size under 5 ms after the one before, or from another file of the same
    packets.
    """
    mask = np.zeros(len(packets), bool)
    copy = np.flatnonzero(again)
    here, before = by_number[copy], by_number[copy - 1]
    near = np.abs(packets.time_ns[here] - packets.time_ns[before]) < TWICE_NS
    near |= packets.file[here] != packets.file[before]
    same = (packets.timestamp[here] == packets.timestamp[before]) & (packets.size[here] == packets.size[before])
    mask[here[near & same]] = True
    return mask


def burst_ratio(order: Order) -> float:
    """Mean length of the runs of loss over what random loss of the same share has (ITU-T G.107 section 3.3); 1 at the
    least.
    """
    if not len(order.runs):
        return 1.0
    share = order.lost / order.expected
    return max(1.0, order.lost / len(order.runs) * (1.0 - share))


def lost_times(order: Order, time: Array) -> Array:
    """When the lost packets would have come: evenly between their neighbours. `time`: of the packets, any unit."""
    if not len(order.runs):
        return np.zeros(0)
    runs = np.minimum(order.runs, max(1, _MOST_LOST // len(order.runs)))
    start, end = time[order.run_after].astype(float), time[order.run_before].astype(float)
    within = np.arange(int(runs.sum())) - np.repeat(np.cumsum(runs) - runs, runs)
    spread = (within + 1) / np.repeat(runs + 1, runs)
    times: Array = np.repeat(start, runs) + spread * np.repeat(np.maximum(end - start, 0), runs)
    return times
