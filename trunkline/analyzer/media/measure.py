"""All figures of one stream, from its columns. Can be run again with what the SDP says of the payload types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trunkline.analyzer.media import codecs, events, hearing, mos, timing, tones
from trunkline.analyzer.media.columns import Packets
from trunkline.analyzer.media.payload import looks_encrypted
from trunkline.analyzer.media.sequence import Order, burst_ratio, lost_times, order_of
from trunkline.analyzer.media.window import Array
from trunkline.analyzer.model.capture import Endpoint, Place
from trunkline.analyzer.model.stream import Gap, Second, Stream

PayloadTypes = dict[int, tuple[str, int]]
"""Encoding name and clock rate by payload type, as the receiver's SDP has them."""
_MOST_GAPS = 100
_MOST_CHANGES = 50
_MOST_SECONDS = 6 * 3600


@dataclass(slots=True)
class Raw:
    """What the figures of a stream are worked out from."""

    ssrc: int
    src: Endpoint
    dst: Endpoint
    packets: Packets
    belongs: Array | None
    """Mask of packets whose number is part of the sequence; None: all."""
    events: events.EventRows
    tones: tones.Blocks
    histogram: Array
    round_trip_ms: float | None = None


@dataclass(slots=True)
class _Kinds:
    """What the payload types of a stream are."""

    main: int
    codec: str
    clock: int
    events: frozenset[int]
    noise: frozenset[int]
    apart: Array | None
    """Mask of packets that are events, comfort noise, or of another clock than the main type; None: there are none."""


def measure(raw: Raw, types: PayloadTypes | None = None) -> Stream:
    """`types`: by the SDP; what it does not name is told by its looks."""
    packets = raw.packets
    stream = _frame(raw)
    counted = packets if raw.belongs is None else packets.pick(raw.belongs)
    order = order_of(counted)
    kinds = _kinds(raw, types or {})
    stream.payload_type, stream.codec, stream.clock_rate = kinds.main, kinds.codec, kinds.clock
    stream.comfort_noise = sum(stream.payload_types.get(kind, 0) for kind in kinds.noise)
    _sequence(stream, order)
    copied = _is_doubled(raw, counted, order, kinds, stream)
    apart = kinds.apart if raw.belongs is None or kinds.apart is None else kinds.apart[raw.belongs]
    once = np.arange(len(counted)) if order.twice is None else np.flatnonzero(~order.twice)
    rows = once if apart is None else once[~apart[once]]
    pace = timing.pace_of(counted.time_ns, counted.timestamp, rows, apart, kinds.clock)
    level = counted.level.astype(np.float32)
    stream.encrypted = looks_encrypted(raw.histogram, kinds.codec)
    counts, shaking = _jitter(counted, order, pace, apart, kinds.clock)
    waits = timing.delays(pace) * 1000
    if len(shaking):
        stream.jitter_mean_ms, stream.jitter_max_ms = timing.mean_and_peak(shaking, counted.marker[counts])
        (stream.jitter_p95_ms,) = timing.quantiles(shaking, 0.95)
    (stream.delay_p95_ms,) = timing.quantiles(waits, 0.95)
    in_buffer = timing.delays(pace, timing.BUFFER_S) * 1000
    (late,) = timing.quantiles(timing.settled(pace, in_buffer), 0.99)
    _timing(stream, counted, order, pace)
    _gaps(stream, counted, order, once)
    _changes(stream, counted, rows)
    if stream.encrypted is True:
        level[:] = np.nan
    else:
        hearing.hear(stream, counted, rows, level)
        _keys(stream, raw, kinds, types or {}, copied)
    _seconds(stream, counted, order, once, level, (counts, shaking))
    _estimate(stream, raw, late, len(rows))
    return stream


def _jitter(packets: Packets, order: Order, pace: timing.Pace, apart: Array | None, clock: int) -> tuple[Array, Array]:
    """Indices of packets, and the jitter in ms after each.

    Copies that the capture made count here as all packets do: RFC 3550 appendix A.8 and Wireshark know no others.
    Those of another file do not: it has another clock.
    """
    if order.twice is not None and packets.file[0] == packets.file[-1]:
        rows = np.arange(len(packets)) if apart is None else np.flatnonzero(~apart)
        pace = timing.pace_of(packets.time_ns, packets.timestamp, rows, apart, clock)
    return pace.row, timing.jitter(pace.late) * 1000


def _frame(raw: Raw) -> Stream:
    packets = raw.packets
    counts = np.bincount(packets.payload_type)
    dscp = np.bincount(packets.dscp)
    values = {int(value): int(dscp[value]) for value in np.flatnonzero(dscp)}
    return Stream(
        ssrc=raw.ssrc,
        src=raw.src,
        dst=raw.dst,
        first=int(packets.time_ns[0]) * 1e-9,
        last=int(packets.time_ns.max()) * 1e-9,
        first_place=Place(int(packets.file[0]), int(packets.frame[0])),
        last_place=Place(int(packets.file[-1]), int(packets.frame[-1])),
        packets=len(packets),
        octets=int(packets.size.sum(dtype=np.int64)),
        payload_type=0,
        payload_types={int(kind): int(counts[kind]) for kind in np.flatnonzero(counts)},
        marker_packets=int(packets.marker.sum()),
        dscp=max(values, key=lambda value: values[value]) if values.keys() - {255} else None,
        dscp_values={value: count for value, count in values.items() if value != 255},
        heuristic=True,
    )


def _kinds(raw: Raw, types: PayloadTypes) -> _Kinds:
    packets = raw.packets
    counts = np.bincount(packets.payload_type)
    there = [int(kind) for kind in np.argsort(-counts, kind="stable") if counts[kind]]
    named = {kind: types[kind][0].lower() for kind in there if kind in types}
    noise = frozenset(
        kind for kind in there if named.get(kind) == "cn" or (kind in codecs.COMFORT_NOISE and kind not in named)
    )
    event = frozenset(
        kind
        for kind in there
        if (
            named[kind] == "telephone-event"
            if kind in named
            else events.looks_like_events(packets, raw.events, kind, kind == there[0])
        )
    )
    audio = [kind for kind in there if kind not in noise and kind not in event] or there
    main = audio[0]
    codec, clock = types.get(main) or codecs.STATIC.get(main) or ("", _guess(packets, main))
    if main in event and not codec:
        codec, clock = "telephone-event", 8000
    others = {kind for kind in audio if (types.get(kind) or codecs.STATIC.get(kind) or ("", clock))[1] != clock}
    apart = (noise | event | others) - {main}
    mask = np.isin(packets.payload_type, list(apart)) if apart else None
    return _Kinds(main, codec, clock, event, noise, mask)


def _guess(packets: Packets, kind: int) -> int:
    """Clock rate of a dynamic type that no SDP names, from how fast its timestamps go; 8000 where that fits none."""
    rows = np.flatnonzero(packets.payload_type == kind)
    if len(rows) < 5:
        return 8000
    pace = timing.pace_of(packets.time_ns, packets.timestamp, rows, None, 8000)
    rate = timing.clock_of(pace).rate
    if rate is None:
        near = (pace.arrival < 0.3) & (pace.moved >= 0) & (pace.moved < 90_000)
        rate = float(pace.moved[near].sum() / max(1e-9, pace.arrival[near].sum())) if near.any() else 8000.0
    return codecs.nearest_rate(rate) or 8000


def _sequence(stream: Stream, order: Order) -> None:
    stream.expected, stream.lost = order.expected, order.lost
    stream.duplicates, stream.reordered = order.duplicates, order.reordered
    stream.captured_twice = 0 if order.twice is None else int(order.twice.sum())
    stream.max_burst = int(order.runs.max()) if len(order.runs) else 0
    stream.burst_ratio = burst_ratio(order)


def _is_doubled(raw: Raw, counted: Packets, order: Order, kinds: _Kinds, stream: Stream) -> bool:
    """Whether the capture has most packets twice.

    If not, last packets of events that come again with the same number are the sender's (RFC 4733 section 2.5.1.4 wants
    them repeated, with numbers of their own; many senders do not count on), and are neither copies nor duplicates.
    """
    if order.repeated is None or order.twice is None or not len(raw.events.row):
        return False
    last = np.zeros(len(raw.packets), bool)
    rows = raw.events.row[(raw.events.word & 0x0080_0000) != 0]
    last[rows] = np.isin(raw.packets.payload_type[rows], list(kinds.events))
    if raw.belongs is not None:
        last = last[raw.belongs]
    doubled = int((order.twice & ~last).sum()) >= 0.25 * (len(counted) - int(last.sum()))
    if not doubled:
        stream.duplicates -= int((order.repeated & ~order.twice & last).sum())
        stream.captured_twice -= int((order.twice & last).sum())
    return doubled


def _timing(stream: Stream, packets: Packets, order: Order, pace: timing.Pace) -> None:
    follows = order.extended[pace.row] - order.extended[pace.since] == 1
    step = timing.usual_step(pace.moved, follows)
    if stream.codec.upper() in codecs.VIDEO or stream.clock_rate == 90_000:
        step = None
    if step is not None:
        stream.ptime_ms = step * 1000 / stream.clock_rate
        # what is under a twentieth of a step is no pattern that anyone would have to know of
        shaky = stream.jitter_mean_ms > 0.05 * stream.ptime_ms
        stream.paired = shaky and timing.leaves_in_pairs(pace, step, step / stream.clock_rate)
        talk = follows & packets.marker[pace.row] & (pace.moved > 1.5 * step) & (np.abs(pace.late) < 0.1)
        stream.dtx = stream.comfort_noise > 0 or int(talk.sum()) >= 2
    if len(pace.arrival):
        suppressed = packets.marker[pace.row] & (np.abs(pace.late) < 0.1)
        stream.max_delta_ms = float(np.where(suppressed, 0, pace.arrival).max()) * 1000
    clock = timing.clock_of(pace)
    off = clock.rate is not None and clock.rate > 0 and abs(clock.rate / stream.clock_rate - 1) > 0.02
    stream.wrong_clock = clock.rate if off and clock.even else None
    # A crystal is off by some hundred ppm. What looks like more, while the seconds themselves have the right length, is
    # a sender that stops its timestamps now and then (while it sends DTMF).
    steady = clock.skew_ppm is None or clock.rate is None or abs(clock.skew_ppm) < 5000
    stream.skew_ppm = clock.skew_ppm if steady and not off else None


def _gaps(stream: Stream, packets: Packets, order: Order, once: Array) -> None:
    time = packets.time_ns[once]
    delta = np.diff(time)
    if not len(delta):
        return
    found = []
    for index in np.flatnonzero(delta > timing.GAP_NS).tolist():
        before, after = int(once[index]), int(once[index + 1])
        seconds = float(delta[index]) * 1e-9
        lost = max(0, int(order.extended[after] - order.extended[before]) - 1)
        moved = int((packets.timestamp[after : after + 1] - packets.timestamp[before : before + 1]).view(np.int32)[0])
        kept = abs(moved / stream.clock_rate - seconds) <= 0.1 + 0.1 * seconds
        excused = lost == 0 and (kept or bool(packets.type_byte[after] >= 0x80))
        found.append(Gap(float(time[index]) * 1e-9, seconds, lost, excused))
    stream.dtx |= sum(gap.excused for gap in found) >= 2
    found.sort(key=lambda gap: -gap.seconds)
    stream.gaps = sorted(found[:_MOST_GAPS], key=lambda gap: gap.start)


def _changes(stream: Stream, packets: Packets, rows: Array) -> None:
    if len(stream.payload_types) < 2:
        return
    kinds = packets.payload_type[rows]
    for index in np.flatnonzero(np.diff(kinds))[:_MOST_CHANGES].tolist():
        row = int(rows[index + 1])
        place = Place(int(packets.file[row]), int(packets.frame[row]))
        change = (int(packets.time_ns[row]) * 1e-9, int(kinds[index]), int(kinds[index + 1]), place)
        stream.payload_type_changes.append(change)


def _keys(stream: Stream, raw: Raw, kinds: _Kinds, types: PayloadTypes, copied: bool) -> None:
    if kinds.events and len(raw.events.row):
        clocks = {kind: clock for kind, (_, clock) in types.items()}
        copies = order_of(raw.packets).repeated if copied else None
        stream.events = events.read_events(raw.packets, raw.events, kinds.events, clocks, copies)
    if len(raw.tones.row):
        rows = raw.tones.row
        stamps = (raw.packets.timestamp[rows] - raw.packets.timestamp[0]).view(np.int32).astype(np.int64)
        position = stamps + raw.tones.block * tones.BLOCK
        time = raw.packets.time_ns[rows] * 1e-9 + raw.tones.block * (tones.BLOCK / 8000)
        stream.tones = tones.assemble(time, position, raw.tones.code)


def _seconds(
    stream: Stream, packets: Packets, order: Order, once: Array, level: Array, jitter: tuple[Array, Array]
) -> None:
    """`jitter`: indices of packets, and the jitter after each, in ms."""
    base = int(packets.time_ns[0])
    elapsed = (packets.time_ns - base) * 1e-9
    second = np.maximum(elapsed.astype(np.int64), 0)
    lost = np.maximum(lost_times(order, elapsed).astype(np.int64), 0)
    count = min(int(second.max()) + 1, _MOST_SECONDS, 60 + 10 * len(packets))
    second = np.minimum(second, count - 1)
    lost = np.minimum(lost, count - 1)
    came = np.bincount(second[once], minlength=count)
    missing = np.bincount(lost, minlength=count)
    stream.worst_10s_loss = _worst(came, missing)
    at = second[jitter[0]]
    mean = np.bincount(at, jitter[1], count) / np.maximum(np.bincount(at, minlength=count), 1)
    heard = hearing.by_second(level, second, count)
    stream.seconds = [
        Second(*row) for row in zip(came.tolist(), missing.tolist(), np.round(mean, 3).tolist(), heard, strict=True)
    ]


def _worst(came: Array, missing: Array) -> float:
    """Share of loss in the worst ten seconds in a row."""
    if not missing.any():
        return 0.0
    width = min(10, len(came))
    lost = np.convolve(missing, np.ones(width, np.int64), "valid")
    total = np.convolve(came + missing, np.ones(width, np.int64), "valid")
    return float((lost / np.maximum(total, 1)).max())


def _estimate(stream: Stream, raw: Raw, late: float, audio: int) -> None:
    if stream.codec.upper() in codecs.VIDEO or stream.clock_rate == 90_000:
        stream.mos_basis = "no estimate: not audio"
    elif audio < 50 or stream.duration < 1:
        stream.mos_basis = "no estimate: under 50 packets or one second of audio"
    elif stream.wrong_clock is not None:
        stream.mos_basis = "no estimate: timestamps do not go at the codec's clock"
    else:
        seen = mos.Impaired(stream.loss_share, stream.burst_ratio, late, stream.ptime_ms or 20.0, raw.round_trip_ms)
        result = mos.estimate(stream.codec, stream.clock_rate, seen)
        stream.mos, stream.mos_basis, stream.wideband = result.mos, result.basis, result.wideband
