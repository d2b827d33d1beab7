"""Tones in G.711 audio: DTMF pairs (ITU-T Q.23, Q.24), and what fax machines send (ITU-T T.30): CED, CNG, V.21 flags.

Two steps, so that large captures stay fast: 5 ms of every packet are projected on the frequencies in question,
roughly; what may be a tone is looked at whole, in blocks of 10 ms. A tone is what holds for several blocks in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np

from trunkline.analyzer.media import g711
from trunkline.analyzer.media.window import Array, Bytes, bytes_at
from trunkline.analyzer.model.stream import Tone

_RATE: Final = 8000
_ROWS: Final = (697, 770, 852, 941)
_COLUMNS: Final = (1209, 1336, 1477, 1633)
_CNG_HZ: Final = 1100
_CED_HZ: Final = 2100
_V21_HZ: Final = (1650, 1850)
_V21_BAND_HZ: Final = (1550, 1750, 1950)
"""What else has energy while a modem changes between the two. Steady energy in the midst of them is no modem's: the
howl of a handset beside a loudspeaker, a whistle.
"""
_ROUGH: Final = (*_ROWS, *_COLUMNS, _CNG_HZ, _CED_HZ, *_V21_HZ)
_CLOSE: Final = (*_ROUGH, *_V21_BAND_HZ)
_KEYS: Final = "123A456B789C*0#D"
_GROUP: Final = 192
"""Rows multiplied at once: so few that the linear algebra library stays in this thread, where its own would wait for
each other.
"""
_AUDIBLE: Final = -40.0
"""dBm0: weaker tones no receiver has to know (Q.24: -25 dBm at the most sensitive, fax -43 dBm minus the line)."""

BLOCK: Final = 80
"""Samples: 10 ms, in which all frequencies in question but neighbours of a DTMF group are apart."""
_MOST_BLOCKS: Final = 6

CED: Final = 16
CNG: Final = 17
V21_MARK: Final = 18
V21_SPACE: Final = 19
"""Codes of blocks; 0 to 15 are the keys of DTMF, row by row."""


@dataclass(slots=True)
class Blocks:
    """Blocks of 10 ms that are one of the tones: index of the packet, number of the block in it, code."""

    row: Array
    block: Array
    code: Array


@cache
def _waves(length: int, hertz: tuple[int, ...]) -> Array:
    """Cosines, then sines, (2 * frequencies, length): the squares of a pure tone's products add up to its energy."""
    angle = 2 * np.pi * np.array(hertz)[:, None] * np.arange(length)[None, :] / _RATE
    waves: Array = (np.concatenate((np.cos(angle), np.sin(angle))) * np.sqrt(2 / length)).astype(np.float32)
    return waves


def _shares(signal: Array, energy: Array, hertz: tuple[int, ...]) -> Array:
    """Share of each block's energy at each frequency: (frequencies, n), 1 for a pure tone. `signal`: (n, length)."""
    count, length = signal.shape
    groups = -(-count // _GROUP)
    padded = np.zeros((groups * _GROUP, length), np.float32)
    padded[:count] = signal
    both = _waves(length, hertz) @ padded.reshape(groups, _GROUP, length).transpose(0, 2, 1)
    both *= both
    power = both[:, : len(hertz)] + both[:, len(hertz) :]
    share: Array = power.transpose(1, 0, 2).reshape(len(hertz), -1)[:, :count]
    return share / np.maximum(energy, 1e-12)


def may_be_tone(signal: Array, energy: Array, level: Array) -> Array:
    """The rough step: which rows (of 40 samples) are worth a closer look, as a mask."""
    mask = np.zeros(len(signal), bool)
    rows = np.flatnonzero(level > _AUDIBLE)
    if len(rows):
        share = _shares(signal[rows], energy[rows], _ROUGH)
        low, high = share[0:4].max(axis=0), share[4:8].max(axis=0)
        pair = (low + high > 0.75) & (np.minimum(low, high) > 0.12)
        mask[rows] = pair | (share[8:10].max(axis=0) > 0.75) | (share[10] + share[11] > 0.55)
    return mask


def blocks_of(data: Bytes, begin: Array, captured: Array, law: int) -> Blocks:
    """The close step: whole packets, block by block."""
    rows, numbers, codes = [], [], []
    for number in range(_MOST_BLOCKS):
        there = np.flatnonzero(captured >= (number + 1) * BLOCK)
        if not len(there):
            break
        signal = g711.samples(law).take(bytes_at(data, begin[there] + number * BLOCK, BLOCK))
        code = _codes(signal, law)
        hit = code >= 0
        rows.append(there[hit])
        numbers.append(np.full(int(hit.sum()), number, np.int64))
        codes.append(code[hit])
    if not rows:
        nothing = np.zeros(0, np.int64)
        return Blocks(nothing, nothing, nothing)
    return Blocks(np.concatenate(rows), np.concatenate(numbers), np.concatenate(codes))


def _codes(signal: Array, law: int) -> Array:
    """Code of each block, -1: none of the tones."""
    energy = np.einsum("ij,ij->i", signal, signal)
    audible = g711.level_dbm0(energy / BLOCK, law) > _AUDIBLE
    share = _shares(signal, energy, _CLOSE)
    low, high = share[0:4], share[4:8]
    row, column = low.argmax(axis=0), high.argmax(axis=0)
    first, second = low.max(axis=0), high.max(axis=0)
    twist = 10 * np.log10(np.maximum(second, 1e-9) / np.maximum(first, 1e-9))
    # Q.24: a receiver takes 4 dB of twist in the one sense and 8 in the other; blocks this short read it to 2 dB
    key = (first + second > 0.85) & (twist > -10) & (twist < 6)
    code = np.where(key, row * 4 + column, -1)
    modem = (share[10:].sum(axis=0) > 0.8) & (share[10] + share[11] > share[13])
    code[modem] = V21_SPACE
    code[modem & (share[10] > share[11])] = V21_MARK
    code[share[8] > 0.9] = CNG
    code[share[9] > 0.9] = CED
    code[~audible] = -1
    found: Array = code
    return found


def assemble(time: Array, position: Array, code: Array) -> list[Tone]:
    """Blocks of one stream as tones.

    `time`: Unix seconds, and `position`: sample number in the stream, both at the block's first sample. At most 1,000
    tones.
    """
    if not len(code):
        return []
    family = np.where(code >= V21_MARK, V21_MARK, code)
    order = np.lexsort((family, position))
    time, position, code, family = time[order], position[order], code[order], family[order]
    # a lost packet or a damaged block does not end a tone; keys may follow each other within 40 ms
    slack = np.where(family < CED, 3 * BLOCK, 6 * BLOCK)
    cuts = np.flatnonzero((family[1:] != family[:-1]) | (np.diff(position) > slack[:-1])) + 1
    tones: list[Tone] = []
    for start, end in pairwise([0, *cuts.tolist(), len(code)]):
        tone = _tone(time[start:end], position[start:end], code[start:end])
        if tone is not None:
            tones.append(tone)
    return tones[:1000]


def _tone(time: Array, position: Array, code: Array) -> Tone | None:
    """A run of blocks, if it is long enough to be what it looks like."""
    duration = float(position[-1] - position[0] + BLOCK) * 1000 / _RATE
    solid = len(code) * BLOCK * 1000 / _RATE / duration
    start, kind = float(time[0]), int(code[0])
    if solid < 0.6:
        return None
    if kind < CED:
        return Tone("dtmf", _KEYS[kind], start, duration) if duration >= 40 else None
    if kind == CED:
        return Tone("ced", "", start, duration) if duration >= 800 else None
    if kind == CNG:
        # T.30: half a second, 15 % more or less
        return Tone("cng", "", start, duration) if 350 <= duration <= 800 else None
    changes = int((np.diff(code) != 0).sum())
    return Tone("v21", "", start, duration) if duration >= 300 and changes >= 4 else None
