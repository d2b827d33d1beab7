from __future__ import annotations

import numpy as np
import pytest
from rtp_by_hand import A, B, collect, moved, only, rtp, talk, with_events


def plain_jitter(packets, clock=8000):
    """RFC 3550 section A.8, one packet at a time, in ms."""
    value, values, before = 0.0, [], None
    for packet in packets:
        stamp = int.from_bytes(packet.payload[4:8], "big")
        transit = packet.time_ns * 1e-6 - stamp * 1000 / clock
        if before is not None:
            value += (abs(transit - before) - value) / 16
            values.append(value)
        before = transit
    return values


def test_jitter_is_that_of_the_rfc():
    dice = np.random.default_rng(1)
    packets = sorted((moved(p, float(abs(dice.normal(0, 12)))) for p in talk(2_000)), key=lambda p: p.time_ns)
    stream = only(packets)
    expected = plain_jitter(packets)
    assert stream.jitter_mean_ms == pytest.approx(np.mean(expected), abs=0.001)
    assert stream.jitter_max_ms == pytest.approx(max(expected), abs=0.001)
    assert stream.jitter_p95_ms == pytest.approx(np.quantile(expected, 0.95), abs=0.05)
    assert 15 < stream.delay_p95_ms < 40
    assert not stream.paired


def test_events_and_comfort_noise_make_no_jitter():
    assert only(with_events()).jitter_max_ms == pytest.approx(0, abs=1e-6)
    packets = [*talk(100), rtp(200, 5000 + 100 * 160, 2003, bytes([60]), 13)]
    packets += [rtp(201 + i, 5_000 + (200 + i) * 160, 4_017 + i * 20, marker=i == 0) for i in range(100)]
    stream = only(packets)
    assert stream.jitter_max_ms == pytest.approx(0, abs=1e-6)
    assert (stream.comfort_noise, stream.dtx, stream.lost, stream.payload_type) == (1, True, 0, 0)
    assert [gap.excused for gap in stream.gaps] == [True]
    assert stream.max_delta_ms == pytest.approx(20, abs=0.01)
    assert not stream.payload_type_changes


def test_silence_suppression_without_comfort_noise():
    packets = []
    for index in range(400):
        if index % 100 < 60:
            sequence = index // 100 * 60 + index % 100
            packets.append(rtp(sequence, index * 160, index * 20, marker=index % 100 == 0))
    stream = only(packets)
    assert stream.dtx
    assert stream.lost == 0
    assert len(stream.gaps) == 3
    assert all(gap.excused and gap.lost == 0 for gap in stream.gaps)
    assert stream.jitter_max_ms == pytest.approx(0, abs=1e-6)


def test_a_stall_is_no_silence_suppression():
    packets = talk(300)
    stalled = [moved(p, max(0, 1_000 - i * 20)) if i < 50 else p for i, p in enumerate(packets[100:])]
    stream = only(packets[:100] + stalled)
    assert [(gap.lost, gap.excused) for gap in stream.gaps] == [(0, False)]
    assert not stream.dtx
    assert stream.max_delta_ms == pytest.approx(1_020, abs=1)


def test_timestamps_set_anew_are_no_jitter():
    packets = talk(100) + [rtp(200 + i, 3_000_000_000 + i * 160, 2_000 + i * 20) for i in range(100)]
    stream = only(packets)
    assert stream.jitter_max_ms < 0.001
    assert stream.restarts == 0
    assert stream.lost == 0


def test_senders_that_pair_packets_are_known():
    assert only([moved(p, 19.9 if i % 2 == 0 else 0) for i, p in enumerate(talk(400))]).paired
    ticks = [moved(p, -(i * 20 % 15.625)) for i, p in enumerate(talk(400))]
    assert only(ticks).paired
    dice = np.random.default_rng(2)
    assert not only([moved(p, float(dice.uniform(0, 15))) for p in talk(400)]).paired


@pytest.mark.parametrize("ppm", [-1200, -250, 0, 250, 1200])
def test_clock_skew(ppm):
    packets = [rtp(i, i * 160, i * 20 / (1 + ppm * 1e-6)) for i in range(2_000)]
    assert only(packets).skew_ppm == pytest.approx(ppm, abs=5)
    assert only(packets[:900]).skew_ppm is None


def test_a_wrong_clock_is_measured():
    packets = [rtp(i, i * 320, i * 20, pt=9) for i in range(1_000)]
    stream = only(packets)
    assert (stream.codec, stream.clock_rate) == ("G722", 8000)
    assert stream.wrong_clock == pytest.approx(16_000, rel=0.001)
    assert stream.mos is None
    assert stream.skew_ppm is None


def test_a_sender_that_stands_still_time_and_again_has_no_wrong_clock():
    rests = np.cumsum(np.random.default_rng(4).choice([0, 0, 0, 0, 0, 0, 0, 40, 60, 120, 250], 900))
    packets = [rtp(i, i * 160, i * 20 + int(rests[i])) for i in range(900)]
    assert only(packets).wrong_clock is None
    assert only(packets).skew_ppm is None


def test_a_machine_that_is_too_slow_has_a_wrong_clock():
    packets = [rtp(i, i * 160, i * 31 + (i % 3)) for i in range(900)]
    assert only(packets).wrong_clock == pytest.approx(160 / 0.031, rel=0.01)


def test_a_burst_at_the_start_is_no_wrong_clock():
    packets = [moved(p, max(0, 260 - i * 20)) if i < 13 else p for i, p in enumerate(talk(600))]
    assert only(packets).wrong_clock is None


@pytest.mark.parametrize(("step", "clock"), [(160, 8000), (320, 16000), (960, 48000)])
def test_the_clock_of_a_dynamic_type_is_inferred(step, clock):
    stream = only(talk(500, pt=111, step=step))
    assert (stream.codec, stream.clock_rate, stream.ptime_ms) == ("", clock, 20)
    assert stream.mos is None
    assert "unknown codec" in stream.mos_basis


def test_video_is_not_judged_as_audio():
    packets, sequence = [], 0
    for frame in range(300):
        for part in range(4):
            last = part == 3
            packets.append(rtp(sequence, frame * 3_000, frame * 33.333 + part * 0.2, bytes(range(250)) * 4, 97, last))
            sequence += 1
    stream = only(packets)
    assert (stream.clock_rate, stream.ptime_ms, stream.lost, stream.mos) == (90_000, None, 0, None)
    assert not stream.events
    assert not stream.paired
    assert not stream.dtx
    assert stream.jitter_mean_ms < 1


def test_a_pause_of_every_stream_is_the_captures():
    both = talk(600) + talk(600, ssrc=2, src=B, dst=A)
    both = sorted((p for p in both if not 200 * 20e6 <= p.time_ns % 10**11 < 280 * 20e6), key=lambda p: p.time_ns)
    media = collect(both)
    assert [(round(gap.seconds, 1), gap.lost) for gap in media.capture_gaps] == [(1.6, 160)]
    one = [p for i, p in enumerate(talk(600)) if not 200 <= i < 280] + talk(600, ssrc=2, src=B, dst=A)
    assert collect(sorted(one, key=lambda p: p.time_ns)).capture_gaps == []


def test_the_mean_leaves_out_what_begins_a_talkspurt():
    """As Wireshark averages: such a packet moves the running jitter, and counts with the mean's own value."""
    packets = [moved(p, float(5 * (n % 3))) for n, p in enumerate(talk(30))]
    last = int.from_bytes(packets[-1].payload[2:4], "big"), int.from_bytes(packets[-1].payload[4:8], "big")
    packets += [rtp(last[0] + i, last[1] + i * 40_000, 29 * 20 + i * 5_000 + 7 * i, marker=True) for i in range(1, 7)]
    values = plain_jitter(packets)
    mean, peak = 0.0, 0.0
    for count, (value, packet) in enumerate(zip(values, packets[1:], strict=True), 1):
        if packet.payload[1] < 0x80:
            mean, peak = (mean * (count - 1) + value) / count, max(peak, value)
    stream = only(packets)
    assert stream.jitter_mean_ms == pytest.approx(mean, abs=0.001)
    assert stream.jitter_max_ms == pytest.approx(peak, abs=0.001)
    assert max(values) > peak


def test_a_sender_that_stops_its_timestamps_has_no_clock_of_thousands_of_ppm():
    packets, stamp, time = [], 0, 0.0
    for number in range(2_000):
        if number % 250 == 249:
            time += 160.0  # it sends nothing, and its timestamps stand still
        packets.append(rtp(number, stamp, time))
        stamp, time = stamp + 160, time + 20.0
    stream = only(packets)
    assert stream.skew_ppm is None or abs(stream.skew_ppm) < 5000
    assert stream.wrong_clock is None


def test_a_jitter_buffer_comes_to_terms_with_a_sender_that_stood_still():
    """Twice it stops for 110 ms and goes on with the timestamp it had: what comes behind it is late by that much."""
    steady = talk(1500)
    packets = [moved(packet, 110.0 * ((row > 400) + (row > 900))) for row, packet in enumerate(steady)]
    assert only(steady).mos == pytest.approx(4.4, abs=0.1)
    assert only(packets).mos > 4.0
    held = [moved(packet, max(0.0, 260.0 - 20.0 * (row % 50))) for row, packet in enumerate(steady)]
    assert only(held).mos < only(packets).mos - 0.1
