"""Fingerprints: two streams with the same audio have most of them in common, wherever each begins."""

from __future__ import annotations

import numpy as np
from rtp_by_hand import A, B, collect, moved, talk

from trunkline.analyzer.media.fingerprint import in_common

OUT = ("198.51.100.2", 30_000)
END = ("203.0.113.9", 40_000)


def voice(seed):
    dice = np.random.default_rng(seed)
    return [dice.integers(0, 256, 160, np.uint8).tobytes() for _ in range(1500)]


def leg(payloads, first, late_ms=0.0, src=A, dst=B, ssrc=1):
    packets = talk(len(payloads), payload=payloads.__getitem__, src=src, dst=dst, ssrc=ssrc)
    return [moved(packet, late_ms) for packet in packets[first:]]


def shared(one, two):
    found = [stream.fingerprint for stream in collect(sorted(one + two, key=lambda p: p.time_ns)).streams]
    return in_common(*found, 0.5, 0.06)


def test_relayed_audio_is_known_again_although_it_begins_later():
    count, possible, late = shared(leg(voice(1), 0), leg(voice(1), 400, 20.0, OUT, END, 2))
    assert count >= 0.9 * possible
    assert possible > 40
    assert abs(late - 0.02) < 0.001


def test_two_speakers_have_nothing_in_common():
    count, _, _ = shared(leg(voice(1), 0), leg(voice(2), 0, 20.0, OUT, END, 2))
    assert count < 5


def test_silence_proves_nothing():
    still = [b"\xff" * 160] * 1500
    media = collect(leg(still, 0))
    assert media.streams[0].fingerprint == {}
    assert shared(leg(still, 0), leg(still, 0, 20.0, OUT, END, 2)) == (0, 0, 0.0)


def test_packets_that_were_captured_twice_are_one():
    once = leg(voice(1), 0)
    twice = [copy for packet in once for copy in (packet, moved(packet, 0.1))]
    assert collect(twice).streams[0].fingerprint == collect(once).streams[0].fingerprint
