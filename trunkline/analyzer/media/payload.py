"""What the audio bytes themselves say, packet by packet: level, clipping, sameness, tones, and whether they look
encrypted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trunkline.analyzer.media import g711, tones
from trunkline.analyzer.media.window import Array, Bytes, bytes_at

LOOKED_AT = 40
"""Samples of each G.711 packet: 5 ms. A packet is 20 ms as a rule; the rest of it sounds the same."""
HISTOGRAM_EVERY = 16
"""One packet of so many, by sequence number, goes into the byte histogram."""


@dataclass(slots=True)
class Audio:
    """One chunk's columns `level`, `clipped` and `signature` of `Packets`, and the tone blocks found."""

    level: Array
    clipped: Array
    signature: Array
    tone_rows: Array
    """Rows of packets that carry tones, one entry for each block of 10 ms."""
    tone_blocks: Array
    tone_codes: Array


def listen(data: Bytes, begin: Array, captured: Array, payload_type: Array, head: Bytes) -> Audio:
    """`begin`: offset of each payload in `data`, `captured`: bytes of it that the capture has, `head`: first 20 of
    each datagram.
    """
    count = len(begin)
    level = np.full(count, np.nan, np.float16)
    clipped = np.zeros(count, np.uint8)
    found: list[tuple[Array, Array, Array]] = []
    for law in (g711.PCMU, g711.PCMA):
        rows = np.flatnonzero((payload_type == law) & (captured >= LOOKED_AT))
        for part in np.array_split(
            rows, max(1, len(rows) // 16_384)
        ):  # so that the samples stay in the processor's cache
            if not len(part):
                continue
            window = bytes_at(data, begin[part], LOOKED_AT)
            level[part], clipped[part], tonal = _measure(window, law)
            suspects = part[tonal]
            blocks = tones.blocks_of(data, begin[suspects], captured[suspects], law)
            found.append((suspects[blocks.row], blocks.block, blocks.code))
    signature = _signature(data, begin, captured, head)
    if not found:
        nothing = np.zeros(0, np.int64)
        return Audio(level, clipped, signature, nothing, nothing, nothing)
    rows, numbers, codes = (np.concatenate(column) for column in zip(*found, strict=True))
    return Audio(level, clipped, signature, rows, numbers, codes)


def _measure(window: Bytes, law: int) -> tuple[Array, Array, Array]:
    """Level in dBm0, samples at full scale, and whether it may be a tone."""
    signal = g711.samples(law).take(window)
    energy = np.einsum("ij,ij->i", signal, signal)
    level = g711.level_dbm0(energy / LOOKED_AT, law)
    clipped = np.zeros(len(window), np.uint8)
    loud = np.flatnonzero(level > -10)  # one sample of 40 at full scale alone gives -9.9 dBm0
    clipped[loud] = g711.full_scale(law).take(window[loud]).sum(axis=1)
    same = np.flatnonzero((level > g711.SILENT_BELOW) & (window[:, 0] == window[:, -1]))
    level[same[(window[same] == window[same, :1]).all(axis=1)]] = g711.QUIET
    return level, clipped, tones.may_be_tone(signal, energy, level)


def _signature(data: Bytes, begin: Array, captured: Array, head: Bytes) -> Array:
    """16 bits of the first eight payload bytes."""
    first = np.ascontiguousarray(head[:, 12:20])
    moved = np.flatnonzero(head[:, 0] != 0x80)
    first[moved] = bytes_at(data, begin[moved], 8)
    mixed = first.view(np.uint64).reshape(-1) * np.uint64(0x9E3779B97F4A7C15)
    short = (mixed >> np.uint64(48)).astype(np.uint16) | np.uint16(1)
    short[captured < 8] = 0
    return short


class Histogram:
    """How often each byte value occurs, by stream."""

    def __init__(self) -> None:
        self.counts = np.zeros((0, 256), np.uint16)

    def add(self, data: Bytes, begin: Array, captured: Array, sequence: Array, stream: Array) -> None:
        """Counts stop growing at 65,535 by stopping to count there: enough for any test."""
        if len(stream) and int(stream.max()) >= len(self.counts):
            grown = np.zeros((max(64, 2 * (int(stream.max()) + 1)), 256), np.uint16)
            grown[: len(self.counts)] = self.counts
            self.counts = grown
        rows = np.flatnonzero((sequence % HISTOGRAM_EVERY == 0) & (captured >= LOOKED_AT))
        for part in np.array_split(rows, max(1, len(rows) // 4096)):
            if len(part):
                self._count(bytes_at(data, begin[part], LOOKED_AT), stream[part])

    def of(self, stream: int) -> Array:
        """Counts of a stream."""
        return self.counts[stream] if stream < len(self.counts) else np.zeros(256, np.uint16)

    def _count(self, window: Bytes, stream: Array) -> None:
        numbers, local = np.unique(stream, return_inverse=True)
        cells = (local.astype(np.int64)[:, None] * 256 + window).reshape(-1)
        new = np.bincount(cells, minlength=256 * len(numbers)).reshape(len(numbers), 256)
        full = self.counts[numbers].max(axis=1) > 60_000
        new[full] = 0
        self.counts[numbers] += new.astype(np.uint16)


def looks_encrypted(counts: Array, codec: str) -> bool | None:
    """Whether the bytes are spread as cipher text is: chi-square against a flat histogram, per degree of freedom.

    A codec that squeezes well looks nearly as flat: then only a clear `False` is said. Under 1,000 bytes: None.
    """
    total = int(counts.sum())
    if total < 1000:
        return None
    expected = total / 256
    spread = float(((counts - expected) ** 2).sum() / expected / 255)
    if spread > 3.0:
        return False
    return True if codec in {"PCMU", "PCMA"} and spread < 1.4 else None
