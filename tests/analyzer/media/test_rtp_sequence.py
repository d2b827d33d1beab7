from __future__ import annotations

import numpy as np
import pytest
from rtp_by_hand import A, B, collect, moved, only, rtp, talk


def test_a_clean_stream_has_nothing_wrong():
    stream = only(talk(500))
    assert (stream.packets, stream.expected, stream.lost, stream.duplicates, stream.reordered) == (500, 500, 0, 0, 0)
    assert (stream.src, stream.dst, stream.ssrc) == (A, B, 1)
    assert (stream.codec, stream.clock_rate, stream.payload_type, stream.payload_types) == ("PCMU", 8000, 0, {0: 500})
    assert stream.ptime_ms == 20
    assert stream.marker_packets == 1
    assert stream.dscp == 46
    assert stream.dscp_values == {46: 500}
    assert stream.octets == 500 * 160
    assert stream.jitter_mean_ms == pytest.approx(0, abs=1e-6)
    assert stream.max_delta_ms == pytest.approx(20, abs=1e-6)
    assert stream.duration == pytest.approx(499 * 0.02)
    assert (stream.first_place.frame, stream.last_place.frame) == (1, 500)
    assert not stream.gaps
    assert stream.wrong_clock is None
    assert not stream.dtx
    assert stream.restarts == 0
    assert stream.mos is not None
    assert stream.mos > 4.2


@pytest.mark.parametrize("first", [100, 65_400, 65_535])
def test_loss_is_counted_also_over_the_wrap(first):
    packets = talk(400, first=first)
    gone = {5, 50, 51, 52, 135, 136, 137, 200}
    stream = only([packet for index, packet in enumerate(packets) if index not in gone])
    assert (stream.packets, stream.expected, stream.lost, stream.max_burst) == (392, 400, 8, 3)
    assert stream.loss_share == 8 / 400
    assert stream.restarts == 0
    assert sum(second.lost for second in stream.seconds) == 8
    assert sum(second.packets for second in stream.seconds) == 392


def test_bursts_and_the_worst_ten_seconds():
    packets = talk(1_500)
    gone = set(range(700, 720)) | set(range(730, 740))
    stream = only([packet for index, packet in enumerate(packets) if index not in gone])
    assert stream.max_burst == 20
    assert stream.burst_ratio == pytest.approx(15 * (1 - 30 / 1500))
    assert stream.worst_10s_loss == pytest.approx(30 / 500, rel=0.01)
    scattered = only([packet for index, packet in enumerate(packets) if index % 50 or not index])
    assert scattered.burst_ratio == 1.0
    assert scattered.mos > stream.mos


def test_copies_of_the_network_do_not_hide_loss():
    packets = talk(300)
    late = [moved(packet, 21) for packet in packets[::3]]
    stream = only(sorted([*packets[:150], *packets[160:], *late], key=lambda packet: packet.time_ns))
    distinct = {bytes(packet.payload[2:4]) for packet in [*packets[:150], *packets[160:], *late]}
    assert stream.lost == 300 - len(distinct)
    assert stream.duplicates == stream.packets - len(distinct)


def test_copies_that_the_capture_made_are_no_duplicates():
    packets = talk(300)
    stream = only(sorted([*packets, *(moved(packet, 0.05) for packet in packets)], key=lambda packet: packet.time_ns))
    assert (stream.packets, stream.lost, stream.duplicates, stream.captured_twice) == (600, 0, 0, 300)
    assert not stream.paired


def test_copies_in_a_second_file_are_captured_twice():
    first = talk(300)
    second = [moved(packet, 33) for packet in talk(300, file=1)]
    stream = only(first + second)
    assert stream.jitter_max_ms == pytest.approx(0, abs=1e-6)
    assert (stream.packets, stream.duplicates, stream.captured_twice, stream.lost) == (600, 0, 300, 0)


def test_a_capture_in_two_files_is_one_stream():
    packets = talk(300)
    stream = only(packets[:150] + [moved(packet, 0) for packet in talk(300, file=1)[150:]])
    assert (stream.packets, stream.lost, stream.captured_twice) == (300, 0, 0)
    assert (stream.first_place.file, stream.last_place.file) == (0, 1)


def test_reordering_is_no_loss():
    packets = talk(300)
    packets[100], packets[101] = packets[101], packets[100]
    packets.insert(205, packets.pop(200))
    stream = only(packets)
    assert (stream.lost, stream.duplicates, stream.reordered) == (0, 0, 2)


def test_a_restart_of_the_sequence_is_another_stream():
    media = collect(talk(300) + [rtp(40_000 + i, 2**31 + i * 160, 6_000 + i * 20) for i in range(300)])
    assert [(s.packets, s.lost, s.restarts) for s in media.streams] == [(300, 0, 0), (300, 0, 1)]


def test_a_recording_that_is_played_again_is_another_stream():
    once = talk(236)
    media = collect(once + [moved(packet, 9_000) for packet in once] + [moved(packet, 18_000) for packet in once])
    assert [(s.packets, s.duplicates, s.lost, s.restarts) for s in media.streams] == [
        (236, 0, 0, 0),
        (236, 0, 0, 1),
        (236, 0, 0, 2),
    ]


def test_a_short_jump_ahead_without_the_time_for_it_is_no_loss():
    media = collect(talk(300) + [rtp(900 + i, 2**31 + i * 160, 6_000 + i * 20) for i in range(300)])
    assert [(s.packets, s.lost) for s in media.streams] == [(300, 0), (300, 0)]


def test_a_block_that_comes_late_is_reordered():
    packets = talk(300)
    late = [moved(packet, 800) for packet in packets[100:140]]
    stream = only(sorted(packets[:100] + packets[140:] + late, key=lambda packet: packet.time_ns))
    assert (stream.packets, stream.lost, stream.duplicates, stream.reordered) == (300, 0, 0, 40)


def test_a_file_joined_to_itself_holds_everything_twice():
    packets = talk(2_500)
    stream = only(packets + packets)
    assert (stream.packets, stream.lost, stream.duplicates, stream.captured_twice) == (5_000, 0, 0, 2_500)


def test_a_long_outage_is_loss_and_no_restart():
    packets = talk(3_000)
    stream = only(packets[:500] + packets[2_000:])
    assert (stream.lost, stream.max_burst, stream.restarts) == (1_500, 1_500, 0)
    assert [(round(gap.seconds, 2), gap.lost, gap.excused) for gap in stream.gaps] == [(30.02, 1_500, False)]


def test_a_packet_with_a_wild_number_is_no_loss():
    packets = talk(300)
    packets.insert(150, rtp(30_000, 7, 2_995))
    stream = only(packets)
    assert (stream.packets, stream.lost, stream.expected) == (301, 0, 300)


def test_a_new_ssrc_after_the_old_one_counts_as_restart_but_not_beside_it():
    after = collect(talk(100) + [moved(packet, 2_100) for packet in talk(100, ssrc=2)])
    assert [stream.restarts for stream in after.streams] == [0, 1]
    beside = collect(sorted(talk(100) + talk(100, ssrc=2), key=lambda packet: packet.time_ns))
    assert [stream.restarts for stream in beside.streams] == [0, 0]


def test_random_streams_against_a_plain_count():
    dice = np.random.default_rng(3)
    for _ in range(20):
        count = int(dice.integers(50, 400))
        numbers = [int(n) for n in np.flatnonzero(dice.random(count) > 0.1)]
        numbers += [int(n) for n in dice.choice(numbers, 5)]
        packets = [rtp(60_000 + n, n * 160, n * 20 + float(dice.normal(0, 15))) for n in numbers]
        packets.sort(key=lambda packet: packet.time_ns)
        stream = only(packets)
        assert stream.lost == max(numbers) - min(numbers) + 1 - len(set(numbers))
        assert stream.duplicates + stream.captured_twice == 5
        assert stream.packets == len(numbers)
