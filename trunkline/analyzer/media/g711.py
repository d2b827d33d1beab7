"""G.711 by tables of 256 entries (ITU-T G.711): samples from -1 to 1 of full scale, and levels in dBm0."""

from __future__ import annotations

from functools import cache

import numpy as np

from trunkline.analyzer.media.window import Array, Bytes

PCMU = 0
PCMA = 8
QUIET = -99.0
"""dBm0 of a packet that has no power at all, or the same byte in every sample."""
SILENT_BELOW = -65.0
"""dBm0: the idle codes of both laws and what echo cancellers leave are below, any open microphone is above."""
_OVERLOAD_DBM0 = {PCMU: 3.17, PCMA: 3.14}
"""A sine at full scale (ITU-T G.711 tables 5 and 6)."""


@cache
def samples(payload_type: int) -> Array:
    """Byte to sample, as float32."""
    code = np.arange(256)
    if payload_type == PCMU:
        code = ~code & 0xFF
        size = ((((code & 0x0F) << 3) + 0x84) << (code >> 4 & 7)) - 0x84
        value = np.where(code & 0x80, -size, size) / 32636.0
    else:
        code ^= 0x55
        chord = code >> 4 & 7
        size = ((code & 0x0F) << 4) + np.where(chord, 0x108, 8)
        size <<= np.maximum(chord - 1, 0)
        value = np.where(code & 0x80, size, -size) / 32768.0
    scaled: Array = value.astype(np.float32)
    return scaled


@cache
def full_scale(payload_type: int) -> Array:
    """Byte to 1 where the sample is at the end of the range, as uint8."""
    size = np.abs(samples(payload_type))
    ends: Array = (size >= size.max()).astype(np.uint8)
    return ends


@cache
def encoder(payload_type: int) -> Array:
    """Sample (16 bit, as index shifted by 32768) to byte: the nearest of the 256, for generators and tests."""
    values = samples(payload_type) * 32768.0
    order = np.argsort(values, kind="stable")
    edges = (values[order][1:] + values[order][:-1]) / 2
    codes: Array = order[np.searchsorted(edges, np.arange(-32768, 32768))].astype(np.uint8)
    return codes


def encode(signal: Array, payload_type: int) -> Bytes:
    """Samples from -1 to 1 as bytes."""
    index = np.clip(np.round(signal * 32768.0), -32768, 32767).astype(np.int64) + 32768
    coded: Bytes = encoder(payload_type)[index]
    return coded


def level_dbm0(mean_square: Array, payload_type: int) -> Array:
    """Mean square of samples (-1 to 1) as dBm0; `QUIET` where there is none."""
    with np.errstate(divide="ignore"):
        level = 10.0 * np.log10(mean_square * 2.0) + _OVERLOAD_DBM0[payload_type]
    floored: Array = np.maximum(level, QUIET)
    return floored
