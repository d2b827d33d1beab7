"""How much of a recording is a given tone: Goertzel over a WAV file, in plain Python.

A packet counter cannot tell speech from silence or from noise; the power of one frequency against the power of
everything can.
"""

from __future__ import annotations

import array
import math
import sys
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK_SECONDS = 0.1
"""Long enough to separate tones 10 Hz apart, short enough to time when a tone starts."""
SILENCE_DBFS = -50.0
"""A block below this is silence; PCMU's own noise floor is far lower."""
TONE_RATIO = 0.8
"""A block counts as the tone when this part of its power is at that frequency."""
_FULL_SCALE = 32768.0
_LONGEST = 10.0


@dataclass(frozen=True, slots=True)
class ToneReading:
    """What was heard, looking for one frequency."""

    hz: float
    seconds: float
    """Length of the audio that was looked at (at most the first 10 s of the recording)."""
    tone_seconds: float
    """Sum of the blocks in which the tone is what one hears: not silent, ratio at least TONE_RATIO."""
    silent_seconds: float
    ratio: float
    """Power at `hz` ÷ whole power, over all blocks that are not silent; 0 when all are. A pure tone through PCMU gives
    > 0.99.
    """
    level_dbfs: float
    """RMS level of the blocks that are not silent, relative to a full-scale sample; -120 when all are silent."""

    @property
    def heard(self) -> bool:
        """At least three blocks of the tone, and hardly anything else."""
        return self.tone_seconds >= 3 * BLOCK_SECONDS - 1e-9 and self.ratio >= TONE_RATIO


def goertzel_ratio(samples: Sequence[int], hz: float, rate: int) -> float:
    """Part (0 to 1) of the block's power that is at `hz`. `samples`: signed 16 bit, mono; `rate`: in Hz."""
    total = float(sum(sample * sample for sample in samples))
    if total == 0.0:
        return 0.0
    coefficient = 2.0 * math.cos(2.0 * math.pi * hz / rate)
    before = earlier = 0.0
    for sample in samples:
        before, earlier = sample + coefficient * before - earlier, before
    power = before * before + earlier * earlier - coefficient * before * earlier
    return min(1.0, 2.0 * power / (len(samples) * total))


def read_tone(path: Path, hz: float) -> ToneReading:
    """Look for `hz` in a 16-bit mono WAV file.

    Raises ValueError for another sample format, and whatever `wave` and the file system raise for what is no WAV file.
    """
    with wave.open(str(path), "rb") as recording:
        if recording.getsampwidth() != 2 or recording.getnchannels() != 1:
            raise ValueError(f"{path.name}: record 16-bit mono; this has {recording.getnchannels()} channel(s)")
        rate = recording.getframerate()
        samples = array.array("h")
        samples.frombytes(recording.readframes(int(rate * _LONGEST)))
    if sys.byteorder == "big":
        samples.byteswap()
    return measure_tone(samples, hz, rate)


def measure_tone(samples: Sequence[int], hz: float, rate: int) -> ToneReading:
    """As read_tone, on samples in memory."""
    size = int(rate * BLOCK_SECONDS)
    loud_power = at_hz = 0.0
    loud = silent = toned = 0
    for start in range(0, len(samples) - size + 1, size):
        block = samples[start : start + size]
        power = sum(sample * sample for sample in block) / size
        if _dbfs(power) < SILENCE_DBFS:
            silent += 1
            continue
        ratio = goertzel_ratio(block, hz, rate)
        loud += 1
        loud_power += power
        at_hz += ratio * power
        toned += ratio >= TONE_RATIO
    return ToneReading(
        hz=hz,
        seconds=round((loud + silent) * BLOCK_SECONDS, 1),
        tone_seconds=round(toned * BLOCK_SECONDS, 1),
        silent_seconds=round(silent * BLOCK_SECONDS, 1),
        ratio=round(at_hz / loud_power, 4) if loud else 0.0,
        level_dbfs=round(_dbfs(loud_power / loud), 1) if loud else -120.0,
    )


def _dbfs(power: float) -> float:
    return -120.0 if power <= 0 else max(-120.0, 10 * math.log10(power / (_FULL_SCALE * _FULL_SCALE)))
