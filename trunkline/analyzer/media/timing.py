"""Time: jitter as RFC 3550 section 6.4.1 has it, gaps, packet time, the sender's habits and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from trunkline.analyzer.media.window import Array

GAP_NS: Final = 300_000_000
_SETTLES_S: Final = 2.0
BUFFER_S: Final = 5.0
"""In about this time a jitter buffer has come to terms with a sender that stood still for a moment, and is late by that
much from then on.
"""
_RESET_S: Final = 1.0
"""A timestamp that is further off than this, from one packet to the next, was set anew: it says nothing of the
network.
"""


@dataclass(slots=True)
class Pace:
    """Arrival against timestamps of the audio packets of a stream; one entry for each step from packet to packet."""

    since: Array
    """Index of the earlier packet of each step, into the stream's packets."""
    row: Array
    """Index of the later one."""
    arrival: Array
    """Seconds between the two."""
    moved: Array
    """Timestamp units between the two."""
    late: Array
    """Arrival minus timestamps, in seconds: how much later than its predecessor a packet came; 0 where the timestamps
    were set anew.
    """
    reset: Array
    elapsed: Array
    """Seconds from the first step's beginning to each."""
    transit: Array
    """Sum of `late`."""


def pace_of(time_ns: Array, timestamp: Array, rows: Array, broken: Array | None, clock: int) -> Pace:
    """`rows`: packets of the stream that count; `broken`: mask of those that a step must not lead over (events,
    comfort noise).
    """
    since, row = rows[:-1], rows[1:]
    if broken is not None:
        passed = np.cumsum(broken)
        next_to = passed[row] == passed[since]
        since, row = since[next_to], row[next_to]
    arrival = (time_ns[row] - time_ns[since]) * 1e-9
    moved = (timestamp[row] - timestamp[since]).view(np.int32).astype(np.int64)
    late = arrival - moved / clock
    reset = (np.abs(late) > _RESET_S) & ((moved < 0) | (moved > (arrival + _RESET_S) * clock))
    if reset.any():
        late = np.where(reset, 0.0, late)
    return Pace(since, row, arrival, moved, late, reset, np.cumsum(arrival), np.cumsum(late))


def jitter(late: Array) -> Array:
    """Interarrival jitter after each step, in the unit of `late`: J += (|D| - J) / 16, exact by doubling steps."""
    value = np.abs(late) / 16.0
    factor, distance = 15.0 / 16.0, 1
    while distance < len(value) and factor > 1e-12:
        value[distance:] = value[distance:] + factor * value[:-distance]
        factor *= factor
        distance *= 2
    return value


def mean_and_peak(jitter_ms: Array, marked: Array) -> tuple[float, float]:
    """Mean and highest jitter, without the packets that begin a talkspurt: their delay is the sender's pause.

    `marked`: mask of those packets, as long as `jitter_ms`. Such a packet moves the running jitter and counts as one of
    the mean's value, which is how Wireshark averages; the sum is only cut where there is one, so most streams take one
    pass.
    """
    total, peak, start = 0.0, 0.0, 0
    for stop in (*np.flatnonzero(marked).tolist(), len(jitter_ms)):
        span = jitter_ms[start:stop]
        if len(span):
            total += float(span.sum())
            peak = max(peak, float(span.max()))
        if stop < len(jitter_ms) and stop:
            total += total / stop
        start = stop + 1
    return total / max(1, len(jitter_ms)), peak


def quantiles(values: Array, *shares: float) -> list[float]:
    """The values under which these shares of all lie; 0 for none."""
    if not len(values):
        return [0.0] * len(shares)
    places = [min(len(values) - 1, int(share * len(values))) for share in shares]
    sorted_there = np.partition(values, places)
    return [float(sorted_there[place]) for place in places]


def delays(pace: Pace, width: float = 60.0) -> Array:
    """How much later each packet came than the earliest one of its minute (of `width` seconds), in seconds: a drifting
    clock does not add up.
    """
    transit = pace.transit
    if not len(transit):
        return transit
    cuts = _spans(pace.elapsed, width)
    floor = np.minimum.reduceat(transit, cuts)
    waits: Array = transit - np.repeat(floor, np.diff(np.append(cuts, len(transit))))
    return waits


def settled(pace: Pace, values: Array) -> Array:
    """`values` of the steps without the first two seconds, in which a sender catches up on what it held back for ICE or
    the answer. A short stream keeps them all.
    """
    if not len(values) or pace.elapsed[-1] < 5 * _SETTLES_S:
        return values
    return values[pace.elapsed >= _SETTLES_S]


def _spans(elapsed: Array, width: float) -> Array:
    """Index of the first step in each stretch of `width` seconds."""
    number = (elapsed * (1.0 / width)).astype(np.int64)
    return np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))


def usual_step(moved: Array, consecutive: Array) -> int | None:
    """Median step of timestamps between consecutive numbers, in units; None: there is none, or most packets share a
    timestamp.
    """
    steps = moved[consecutive]
    steps = steps[steps >= 0]
    if not len(steps):
        return None
    value = int(np.partition(steps, len(steps) // 2)[len(steps) // 2])
    return value or None


def leaves_in_pairs(pace: Pace, step: int, step_s: float) -> bool:
    """Whether the sender's timer makes the jitter: early and late by turns, or steps of a timer that is coarser than
    its packets.

    A network makes any step; such a sender makes two or three of them, and hardly ever the right one. `step`: the
    usual one, in timestamp units; `step_s`: the same in seconds.
    """
    arrival = pace.arrival[pace.moved == step]
    if len(arrival) < 40 or step_s <= 0 or (arrival > 2.6 * step_s).mean() > 0.02:
        return False
    late = np.clip(arrival - step_s, -2 * step_s, 2 * step_s)
    power = float(late @ late)
    if power < (0.15 * step_s) ** 2 * len(late):
        return False
    if float(late[1:] @ late[:-1]) < -0.6 * power and float(late[2:] @ late[:-2]) > 0.4 * power:
        return True
    steps = np.bincount((np.clip(arrival, 0, 0.2) * 1000).astype(np.int64), minlength=210)
    narrow = np.convolve(steps, np.ones(3, np.int64), "same")
    right = int(narrow[round(step_s * 1000)]) if step_s < 0.2 else 0
    held = 0
    for _ in range(3):
        top = int(narrow.argmax())
        held += int(narrow[top])
        narrow[max(0, top - 2) : top + 3] = 0
    return held >= 0.8 * len(arrival) and right <= 0.25 * len(arrival)


_EVEN = 0.15


@dataclass(slots=True)
class Clock:
    """The sender's clock against the capture's."""

    skew_ppm: float | None
    """Positive: the sender's is fast. None: too short, or too much jitter to tell."""
    rate: float | None
    """Timestamp units per second; None under five seconds."""
    even: bool = True
    """Most seconds have the same rate. Otherwise the sender stands still time and again: that is no clock."""


def clock_of(pace: Pace) -> Clock:
    """From the earliest packet of each second, so that queues count little."""
    if not len(pace.elapsed) or pace.elapsed[-1] < 5:
        return Clock(None, None)
    cuts = _spans(pace.elapsed, 1.0)
    if len(cuts) < 5:
        return Clock(None, None)
    rates = _rates(pace, cuts)
    if len(rates) < 4:
        return Clock(_skew(pace, cuts), None)
    lower, middle, upper = (float(rate) for rate in np.percentile(rates, (25, 50, 75)))
    return Clock(_skew(pace, cuts), middle, upper - lower <= _EVEN * abs(middle))


def _rates(pace: Pace, cuts: Array) -> Array:
    """Of each second, so that by their median pauses and packets that were held back fall out."""
    stamps = np.cumsum(pace.moved)[cuts]
    spans = np.diff(pace.elapsed[cuts])
    clean = (spans > 0.5) & (spans < 1.5)
    found: Array = np.diff(stamps)[clean] / spans[clean]
    return found


def _skew(pace: Pace, cuts: Array) -> float | None:
    elapsed = pace.elapsed
    if elapsed[-1] < 20 or len(cuts) < 15 or pace.reset.any():
        return None
    lowest = np.minimum.reduceat(pace.transit, cuts)
    at = elapsed[cuts]
    centered = at - at.mean()
    spread = float(centered @ centered)
    slope = float(centered @ (lowest - lowest.mean())) / spread
    rest = lowest - lowest.mean() - slope * centered
    error = float(np.sqrt(rest @ rest / max(1, len(at) - 2) / spread))
    if error > max(2e-5, abs(slope) / 5):
        return None
    return -slope * 1e6
