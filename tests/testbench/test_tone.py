"""Goertzel against signals that are computed here."""

import math
import random
import struct
import wave

import pytest

from trunkline.testbench.tone import goertzel_ratio, measure_tone, read_tone

RATE = 8000


def sine(hz, seconds, level=8000.0):
    return [int(level * math.sin(2 * math.pi * hz * n / RATE)) for n in range(int(seconds * RATE))]


@pytest.mark.parametrize("hz", [440, 1000, 2600])
def test_a_tone_is_all_of_its_own_power(hz):
    assert goertzel_ratio(sine(hz, 0.1), hz, RATE) > 0.999


def test_half_of_the_power_is_half():
    mixed = [a + b for a, b in zip(sine(1000, 0.1), sine(440, 0.1), strict=True)]
    assert goertzel_ratio(mixed, 1000, RATE) == pytest.approx(0.5, abs=0.01)


def test_noise_and_silence_are_no_tone():
    dice = random.Random(1)
    noise = [dice.randrange(-8000, 8000) for _ in range(RATE)]
    assert measure_tone(noise, 1000, RATE).ratio < 0.02
    silence = measure_tone([0] * RATE, 1000, RATE)
    assert (silence.ratio, silence.level_dbfs, silence.silent_seconds, silence.heard) == (0.0, -120.0, 1.0, False)


def test_level_and_seconds():
    reading = measure_tone([*([0] * 4000), *sine(1000, 1.0)], 1000, RATE)
    assert (reading.seconds, reading.silent_seconds, reading.tone_seconds, reading.heard) == (1.5, 0.5, 1.0, True)
    assert reading.level_dbfs == pytest.approx(20 * math.log10(8000 / math.sqrt(2) / 32768), abs=0.1)


def test_two_blocks_are_too_short():
    assert not measure_tone(sine(1000, 0.2), 1000, RATE).heard


def test_wav_file(tmp_path):
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE, 0, "NONE", ""))
        out.writeframes(struct.pack("<8000h", *sine(440, 1.0)))
    assert read_tone(path, 440).heard
    assert not read_tone(path, 1000).heard


def test_stereo_is_refused(tmp_path):
    path = tmp_path / "stereo.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, RATE, 0, "NONE", ""))
    with pytest.raises(ValueError, match="mono"):
        read_tone(path, 440)
