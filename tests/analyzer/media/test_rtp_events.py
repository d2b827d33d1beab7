from __future__ import annotations

import numpy as np
import pytest
from rtp_by_hand import collect, event, only, rtp, talk, with_events

from trunkline.analyzer.media.payload_types import apply_payload_types, release


@pytest.mark.parametrize("pt", [96, 97, 101, 110, 127])
def test_keys_are_read_whatever_their_type(pt):
    stream = only(with_events("1590", pt))
    assert [(e.digit, e.end_packets, e.packets, e.payload_type, e.marker) for e in stream.events] == [
        (digit, 3, 10, pt, True) for digit in "1590"
    ]
    assert all(e.duration_ms == 160 and e.timestamps == 1 and not e.shrinking for e in stream.events)
    assert stream.payload_type == 0
    assert stream.payload_types == {0: 170, pt: 40}
    assert stream.payload_type_changes == []
    assert stream.events[0].place.frame == 51


def test_faults_of_events():
    packets = talk(50)
    wandering = [event(150 + i, 20_000 + i * 160, 1_000 + i * 20, 3, (i + 1) * 160, i > 5) for i in range(7)]
    shrinking = [event(157 + i, 30_000, 1_200 + i * 20, 4, (5 - i) * 160, i > 3) for i in range(5)]
    endless = [event(162 + i, 40_000, 1_400 + i * 20, 5, (i + 1) * 160) for i in range(4)]
    stream = only(packets + wandering + shrinking + endless)
    assert [e.digit for e in stream.events] == ["3", "4", "5"]
    assert stream.events[0].timestamps == 7
    assert stream.events[1].shrinking
    assert [e.end_packets for e in stream.events] == [1, 1, 0]
    assert not any(e.marker for e in stream.events)


def test_the_same_key_twice_is_two_keys_and_a_copy_is_none():
    twice = with_events("77")
    assert [e.digit for e in only(twice).events] == ["7", "7"]
    copied = [packet for packet in with_events("7") for _ in range(2)]
    assert [(e.digit, e.end_packets, e.packets) for e in only(copied).events] == [("7", 3, 10)]


def test_ends_that_are_repeated_with_the_same_number_are_ends():
    packets = talk(50)
    for index in range(10):
        number = 150 + min(index, 7)
        packets.append(
            event(number, 20_000, 1_000 + min(index, 7) * 20, 5, min(index, 7) * 320, index >= 7, index == 0)
        )
    packets += [rtp(158 + i, 30_000 + i * 160, 1_200 + i * 20) for i in range(50)]
    stream = only(packets)
    assert [(e.digit, e.end_packets, e.packets, e.duration_ms) for e in stream.events] == [("5", 3, 10, 280)]
    assert (stream.packets, stream.lost, stream.duplicates, stream.captured_twice) == (110, 0, 0, 0)


def test_a_long_key_goes_on_in_segments():
    packets, stamp = talk(20), 8_200
    for index in range(450):
        duration = (index % 409 + 1) * 160
        packets.append(event(120 + index, stamp + index // 409 * 65_440, 400 + index * 20, 1, duration, index > 447))
    stream = only(packets)
    assert [(e.digit, e.timestamps) for e in stream.events] == [("1", 1)]
    assert stream.events[0].duration_ms == pytest.approx(9_000, abs=50)


def test_a_fax_event_and_events_alone():
    packets = [
        event(i, 1_000 + i // 10 * 8_000, i * 20, 36, (i % 10 + 1) * 160, i % 10 > 6, i % 10 == 0) for i in range(40)
    ]
    stream = only(packets)
    assert [e.digit for e in stream.events] == ["36"] * 4
    assert stream.payload_type == 101


def test_short_audio_packets_are_no_events():
    dice = np.random.default_rng(1)
    assert not only(talk(300, pt=98, payload=lambda _: dice.bytes(4))).events
    mixed = [rtp(100 + i, i * 160, i * 20, dice.bytes(33 if i % 5 else 4), 98) for i in range(300)]
    assert not only(mixed).events


def test_encrypted_events_make_no_jitter():
    dice = np.random.default_rng(1)
    packets = []
    for packet in with_events("123"):
        body = packet.payload[12:]
        packets.append(type(packet)(packet.time_ns, packet.payload[:12] + dice.bytes(len(body) + 10)))
    stream = only(packets)
    assert not stream.events
    assert stream.payload_type == 0
    assert stream.jitter_max_ms == pytest.approx(0, abs=1e-6)


def test_what_the_sdp_says_is_applied_exactly():
    dice = np.random.default_rng(4)
    packets = [rtp(i, i * 320, i * 20 + float(abs(dice.normal(0, 4))), dice.bytes(80), 99) for i in range(800)]
    media = collect(packets)
    stream = media.streams[0]
    stream.call, stream.match, stream.heuristic = "c1", "sdp", False
    assert (stream.codec, stream.clock_rate) == ("", 16_000)
    before = stream.jitter_mean_ms
    apply_payload_types(media, {0: {99: ("G7221", 32_000), 0: ("PCMU", 8_000)}})
    assert media.streams[0] is stream
    assert (stream.codec, stream.clock_rate, stream.ptime_ms) == ("G7221", 32_000, 10)
    assert stream.wrong_clock == pytest.approx(16_000, rel=0.01)
    apply_payload_types(media, {0: {99: ("AMR-WB", 16_000)}})
    assert (stream.clock_rate, stream.jitter_mean_ms, stream.ptime_ms) == (16_000, before, 20)
    assert stream.mos is not None
    assert stream.wideband
    assert "AMR-WB" in stream.mos_basis
    assert (stream.call, stream.match, stream.heuristic) == ("c1", "sdp", False)
    release(media)
    assert stream.raw is None
    apply_payload_types(media, {0: {99: ("OPUS", 48_000)}})
    assert stream.codec == "AMR-WB"


def test_the_sdp_names_events_and_noise_that_have_no_looks():
    packets = [*talk(200), rtp(300, 5000 + 200 * 160, 4000, bytes([50]), 118)]
    packets += [event(301, 50_000, 4_020, 5, 800, True, pt=100)] + [
        rtp(302 + i, 60_000 + i * 160, 4_500 + i * 20) for i in range(50)
    ]
    media = collect(packets)
    apply_payload_types(media, {0: {118: ("CN", 8_000), 100: ("telephone-event", 16_000), 0: ("PCMU", 8000)}})
    stream = media.streams[0]
    assert stream.comfort_noise == 1
    assert stream.codec == "PCMU"
    assert [(e.digit, e.duration_ms) for e in stream.events] == [("5", 50.0)]


def test_static_types_need_no_columns_any_more():
    assert only(talk(100)).raw is None
    assert only(with_events()).raw is not None
