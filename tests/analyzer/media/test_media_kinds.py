from __future__ import annotations

import struct

import numpy as np
import pytest
from rtp_by_hand import START, A, B, Datagram, collect, rtp, tables, talk

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.media.collector import Collector


def at(ms: float, payload: bytes, src=A, dst=B) -> Datagram:
    return Datagram(START + round(ms * 1e6), payload, src, dst)


def stun(kind: int, *attributes: tuple[int, bytes]) -> bytes:
    body = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in attributes)
    return struct.pack(">HHI", kind, len(body), 0x2112A442) + bytes(range(12)) + body


def report(ssrc: int, about: int, ntp: int = 0, lost: int = 0, last: int = 0, delay: int = 0) -> bytes:
    block = struct.pack(">IIIIII", about, 64 << 24 | lost & 0xFFFFFF, 70_000, 33, last, delay)
    sender = struct.pack(">IQIII", ssrc, ntp << 16, 0, 10, 1600)
    description = struct.pack(">BBHI", 0x81, 202, 2, ssrc) + b"\x01\x02ab"
    return struct.pack(">BBH", 0x81, 200, 12) + sender + block + description[:12]


def test_stun_and_rtcp_first_do_not_hide_rtp():
    mapped = (
        bytes([0, 1])
        + struct.pack(">H", 41_000 ^ 0x2112)
        + bytes(a ^ b for a, b in zip((203, 0, 113, 9), (0x21, 0x12, 0xA4, 0x42), strict=True))
    )
    packets = [
        at(-50, stun(0x0001)),
        at(-40, stun(0x0101, (0x0020, mapped)), B, A),
        at(-30, b"\x16\xfe\xfd" + bytes(60)),
    ]
    packets += [at(-20, b"\x10\x00\x00\x01ZRTP" + bytes(40))]
    packets += talk(100)
    packets.insert(50, at(1_000, report(1, 2)))
    media = collect(packets)
    assert [(s.packets, s.lost) for s in media.streams] == [(100, 0)]
    assert {flow.kind: flow.packets for flow in media.other} == {"stun": 1, "dtls": 1, "zrtp": 1, "rtcp": 1}
    asked, answered = (flow for flow in media.other if flow.kind == "stun")
    assert asked.mapped is None
    assert answered.mapped == ("203.0.113.9", 41_000)
    assert media.captured


def test_reports_and_the_round_trip_over_both_legs():
    # A's report at 0 goes by; B gets it 40 ms later, waits 100 ms, and answers: 80 ms for the leg. A's side: 10 ms.
    packets = talk(10) + talk(10, ssrc=2, src=B, dst=A)
    a, b = ("192.0.2.1", 10_001), ("198.51.100.2", 20_001)
    packets += [at(300, report(1, 2, ntp=0x11110000), a, b)]
    packets += [at(480, report(2, 1, ntp=0x22220000, last=0x11110000, delay=6554, lost=-3), b, a)]
    packets += [at(690, report(1, 2, ntp=0x33330000, last=0x22220000, delay=13107, lost=7), a, b)]
    media = collect(packets)
    assert [(r.reporter_ssrc, r.ssrc, r.cumulative_lost, r.jitter) for r in media.rtcp] == [
        (1, 2, 0, 33),
        (2, 1, -3, 33),
        (1, 2, 7, 33),
    ]
    assert media.rtcp[0].fraction_lost == 0.25
    assert media.rtcp[0].highest_sequence == 70_000
    assert [r.round_trip_ms and round(r.round_trip_ms) for r in media.rtcp] == [None, 90, 90]
    assert str(media.rtcp[0].src) == "192.0.2.1:10001"
    assert media.rtcp[0].place.frame == 21


def test_xr_gives_the_others_mos():
    metrics = bytearray(36)
    metrics[0], metrics[3], metrics[22] = 7, 8, 41
    metrics[4:8] = (2).to_bytes(4, "big")
    extended = struct.pack(">BBHI", 0x80, 207, 10, 1) + bytes(metrics)
    media = collect([*talk(10), at(500, report(1, 2) + extended)])
    assert media.rtcp[0].xr_mos == 4.1


def test_secured_and_cut_reports_are_counted_only():
    secured = report(1, 2) + bytes(14)
    cut = Datagram(START, report(1, 2), cut=20)
    media = collect([*talk(10), at(500, secured), cut])
    assert media.rtcp == []
    assert [(f.kind, f.packets) for f in media.other] == [("rtcp", 2)]


def test_fax_over_udptl():
    packets = [
        at(i * 30, (i // 2).to_bytes(2, "big") + bytes([6, 0xC0, 1, 0x80, 0, 0, 0xFF, 0, 1, 6]) + bytes(7))
        for i in range(200)
    ]
    media = collect(packets)
    assert [(f.kind, f.packets) for f in media.other] == [("udptl", 200)]
    assert not media.streams
    assert media.captured


def dns(i: int) -> bytes:
    return struct.pack(">HHHHHH", 0x8000 + i * 7, 0x8180, 1, 1, 0, 0) + b"\x07example\x03com\x00" + bytes(20)


@pytest.mark.parametrize(
    "payload",
    [
        dns,
        lambda i: struct.pack(">HHHHHH", 0x8123 + i, 0x0110, 1, 0, 0, 0) + b" CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        lambda i: bytes([0x24]) + bytes(47),
        lambda i: bytes([0xC3, 0, 0, 0, 1, 8]) + np.random.default_rng(i).bytes(1200),
        lambda i: np.random.default_rng(i).bytes(400),
        lambda i: bytes([0x80]) + np.random.default_rng(i).bytes(172),
        lambda i: bytes([0x80, 0, 0, 1, 0, 0, 0, 1]) + bytes(100),
        lambda i: b"\r\n\r\n",
        lambda i: b"",
        lambda i: b"\x80",
        lambda i: b"NOTIFY * HTTP/1.1\r\n\r\n",
    ],
    ids=["dns", "netbios", "ntp", "quic", "random", "random-v2", "constant-v2", "keepalive", "empty", "byte", "ssdp"],
)
def test_other_protocols_are_no_rtp(payload):
    media = collect([at(i * 20, payload(i)) for i in range(400)])
    assert media.streams == []
    assert not media.captured
    assert all(flow.kind in {"unknown", "rtcp"} for flow in media.other)


def test_lonely_packets_need_proof():
    lonely = rtp(5, 160, 30, src=B, dst=A, ssrc=9)
    media = collect([lonely])
    assert media.streams == []
    assert [s.packets for s in media.doubtful] == [1]
    assert not media.captured
    media = collect([*talk(20), lonely])
    assert sorted(s.packets for s in media.streams) == [1, 20]
    assert not media.doubtful


def test_odd_senders_are_left_to_the_sdp_to_confirm():
    counting = collect([rtp(i, 0, i * 20) for i in range(200)])
    assert [s.packets for s in counting.streams] == [200]
    standing = collect([rtp(7, i * 160, i * 20) for i in range(200)])
    assert standing.streams == []
    assert [(s.packets, s.lost) for s in standing.doubtful] == [(200, 0)]


def test_hostile_ssrcs_are_limited():
    dice = np.random.default_rng(1)
    flood = [rtp(i, i, i, ssrc=int(dice.integers(1, 2**32))) for i in range(2_000)]
    media = collect(flood)
    assert media.streams == []
    assert media.doubtful == []
    collector = Collector(Limits(streams=3))
    for table, flows in tables([p for n in range(6) for p in talk(20, ssrc=n + 1, src=("192.0.2.1", 10_000 + n))]):
        collector.take(table, flows)
    assert len(collector.finish().streams) == 3


def test_questions_for_the_own_address_are_no_media():
    server = ("198.51.100.9", 3478)
    assert not collect([at(0, stun(1), A, server), at(20, stun(0x0101), server, A)]).captured
    assert collect([at(0, stun(1), A, B), at(20, stun(0x0101), B, A)]).captured


def test_absurd_jumps_of_the_sequence_stay_cheap():
    packets = [rtp(i // 3 * 30_000 + i % 3, i * 160, i * 20 + (i > 3_000) * 10**8) for i in range(6_000)]
    media = collect(talk(2_500) + packets)
    assert sum(stream.packets for stream in media.streams) == 8_500
    assert sum(len(stream.seconds) for stream in media.streams) < 200_000


def test_packets_that_contradict_themselves_are_no_rtp():
    padded = [Datagram(START + i, bytes([0xA0, 0, 0, i, 0, 0, 0, i, 0, 0, 0, 1]) + b"\xff" * 20) for i in range(5)]
    media = collect(padded)
    assert media.streams == []
    assert [(flow.kind, flow.packets) for flow in media.other] == [("unknown", 5)]


def test_nothing_at_all():
    media = collect([])
    assert (media.streams, media.rtcp, media.other, media.captured) == ([], [], [], False)


def test_mutated_packets_raise_nothing():
    dice = np.random.default_rng(5)
    base = [*talk(60), at(5, report(1, 2)), at(6, stun(0x0101, (0x0020, bytes(8)))), at(7, dns(1))]
    for _ in range(150):
        packets = []
        for packet in base:
            raw = bytearray(packet.payload)
            for _ in range(int(dice.integers(0, 4))):
                raw[int(dice.integers(0, min(40, len(raw))))] = int(dice.integers(0, 256))
            raw = raw[: int(dice.integers(0, len(raw) + 1))] if dice.random() < 0.1 else raw
            time = packet.time_ns + int(dice.integers(-(10**9), 10**9)) * int(dice.random() < 0.05)
            packets.append(
                Datagram(
                    time,
                    bytes(raw),
                    packet.src,
                    packet.dst,
                    cut=int(dice.integers(0, len(raw) + 1)) * int(dice.random() < 0.1),
                )
            )
        for stream in collect(packets).streams:
            assert stream.lost >= 0
            assert stream.packets > 0
