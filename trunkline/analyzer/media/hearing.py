"""What a stream sounds like as a whole: level of speech, silence, clipping."""

from __future__ import annotations

import numpy as np

from trunkline.analyzer.media import g711
from trunkline.analyzer.media.columns import Packets
from trunkline.analyzer.media.payload import LOOKED_AT
from trunkline.analyzer.media.window import Array
from trunkline.analyzer.model.stream import Silence, Stream

_SILENCE_S = 5.0
"""Shorter stretches are pauses of speech."""
_PAUSE_NS = 1_000_000_000
_MOST_SILENCES = 200
_TO_NEPER = np.float32(np.log(10) / 10)
"""dB to the exponent of e, for power."""


def hear(stream: Stream, packets: Packets, rows: Array, level: Array) -> None:
    """Fills level, clipping and silence of `stream`; `rows`: its audio packets, `level`: dBm0 of all, NaN: not
    decodable.
    """
    heard = level[rows]
    known = rows[~np.isnan(heard)]
    signature = packets.signature[rows]
    same = (signature[1:] == signature[:-1]) & (signature[1:] != 0)
    stream.constant_payload = len(rows) >= 50 and float(same.mean()) > 0.98
    if len(known):
        loudness = level[known]
        silent = loudness < g711.SILENT_BELOW
        stream.level_dbm0 = _active(loudness)
        stream.peak_clipped = float(packets.clipped[known].sum(dtype=np.int64)) / (LOOKED_AT * len(known))
        stream.silence_share = float(silent.mean())
        stream.silences = _stretches(packets.time_ns[known], silent)
    elif stream.constant_payload:
        stream.silence_share = float(same.mean())
        stream.silences = _stretches(packets.time_ns[rows[1:]], same)


def _active(loudness: Array) -> float | None:
    """Mean power of what is no more than 16 dB under the mean of all sound: speech without its pauses (after ITU-T
    P.56).
    """
    sound = loudness[loudness > -55]
    if len(sound) < 10:
        return None
    power = np.exp(sound * _TO_NEPER)
    active = power[power >= power.mean() * 10**-1.6]
    return round(float(10 * np.log10(active.mean())), 1)


def _stretches(time_ns: Array, silent: Array) -> list[Silence]:
    if not silent.any():
        return []
    change = np.diff(silent.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    long = time_ns[ends - 1] - time_ns[starts] >= _SILENCE_S * 1e9
    if not long.any():
        return []
    found = []
    pause = np.flatnonzero(np.diff(time_ns) > _PAUSE_NS) + 1
    for start, end in zip(starts[long].tolist(), ends[long].tolist(), strict=True):
        inner = pause[(pause > start) & (pause < end)].tolist()
        for begin, stop in zip([start, *inner], [*inner, end], strict=True):
            seconds = float(time_ns[stop - 1] - time_ns[begin]) * 1e-9
            if seconds >= _SILENCE_S:
                found.append(Silence(float(time_ns[begin]) * 1e-9, seconds))
        if len(found) >= _MOST_SILENCES:
            break
    return found[:_MOST_SILENCES]


def by_second(level: Array, second: Array, count: int) -> list[float | None]:
    """Mean level of each second; None where nothing was decoded."""
    known = np.flatnonzero(~np.isnan(level))
    if not len(known):
        return [None] * count
    packets = np.bincount(second[known], minlength=count)
    power = np.bincount(second[known], np.exp(level[known] * _TO_NEPER), count)
    mean = np.round(10 * np.log10(np.maximum(power / np.maximum(packets, 1), 1e-12)), 1)
    return [value if there else None for value, there in zip(mean.tolist(), packets.tolist(), strict=True)]
