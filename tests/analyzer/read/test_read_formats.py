"""File formats: whatever a capture is kept in, the same message and the same datagram come out of it."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile

import pytest
from capture_builders import (
    NOW,
    block,
    enhanced,
    ether,
    frame,
    hep3,
    interface,
    ip4,
    netmon,
    option,
    pcap,
    read,
    rtp,
    section,
    sip,
    udp,
)

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read.unreadable import UnreadableInput

TWO = [frame(sip()), frame(rtp())]


def zipped(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


PLAIN = pcap(TWO)
FILES = {
    "pcap": PLAIN,
    "pcap-big-endian": pcap(TWO, order=">"),
    "pcap-nano": pcap(TWO, nano=True),
    "pcap-nano-big-endian": pcap(TWO, nano=True, order=">"),
    "pcap-modified": pcap(TWO, modified=True),
    "pcapng": section() + interface() + enhanced(TWO[0]) + enhanced(TWO[1], NOW * 1_000_000 + 20_000),
    "pcapng-big-endian": section(">")
    + interface(order=">")
    + enhanced(TWO[0], order=">")
    + enhanced(TWO[1], NOW * 1_000_000 + 20_000, order=">"),
    "netmon-2.0": netmon(TWO, version=(2, 0)),
    "netmon-2.1": netmon(TWO, version=(2, 1)),
    "netmon-2.3": netmon(TWO),
    "gzip": gzip.compress(PLAIN),
    "gzip-members": gzip.compress(PLAIN[:100]) + gzip.compress(PLAIN[100:]),
    "xz": lzma.compress(PLAIN),
    "zip": zipped(("x/y.cap", PLAIN)),
    "gzip-in-xz": lzma.compress(gzip.compress(PLAIN)),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same(name):
    capture, rows = read(FILES[name])
    assert [message.data for message in capture.messages] == [sip()]
    message = capture.messages[0]
    assert (message.time, message.place.frame, message.frames) == (NOW, 1, (1,))
    assert (str(message.src), str(message.dst), message.transport) == ("192.0.2.1:5060", "198.51.100.7:5080", "udp")
    assert [(row[1], row[4], row[5]) for row in rows] == [(2, rtp(), len(rtp()))]
    assert rows[0][2] == NOW * 1_000_000_000 + 20_000_000
    assert capture.damage == []
    assert (capture.files[0].packets, capture.files[0].first, capture.files[0].last) == (2, NOW, NOW + 0.02)


def test_the_format_is_named_with_its_wrapping():
    names = [read(FILES[name])[0].files[0].format for name in ("pcap", "pcapng", "netmon-2.3", "gzip-in-xz", "zip")]
    assert names == ["pcap", "pcapng", "netmon2", "pcap.gz.xz", "pcap.zip"]


def test_pcapng_with_sections_interfaces_and_resolutions():
    nano = interface(options=option(9, b"\x09") + option(2, b"eth1"))
    binary = interface(options=option(9, b"\x94"))  # 2^-20 s
    shifted = interface(101, option(14, struct.pack("<q", 3600)))
    file = (
        section()
        + interface(options=option(2, b"eth0"))
        + nano
        + block(4, b"names")
        + enhanced(TWO[0])
        + enhanced(TWO[0], NOW * 1_000_000_000 + 5, 1)
        + block(5, bytes(8))
        + binary
        + enhanced(TWO[0], (NOW << 20) + (1 << 19), 2)
        + block(0x0BAD, bytes(20))
        + section(">")
        + interface(order=">")
        + enhanced(TWO[0], order=">")
        + section()
        + shifted
        + enhanced(TWO[0][14:], (NOW - 3600) * 1_000_000)
    )
    capture, _ = read(file)
    assert [m.time for m in capture.messages] == [NOW, NOW, NOW, NOW, NOW + 0.5]
    assert [m.place.frame for m in capture.messages] == [1, 2, 4, 5, 3]
    assert [m.capture_point for m in capture.messages][:2] == ["eth0", "eth1"]
    assert [m.link.interface for m in capture.messages] == [0, 1, 3, 4, 2]
    assert capture.files[0].link_types == ("Ethernet", "raw IP")


def test_simple_and_old_packet_blocks():
    data = TWO[0]
    simple = block(3, struct.pack("<I", len(data)) + data)
    old = block(
        2,
        struct.pack("<HHIIII", 0, 7, (NOW * 1_000_000) >> 32, NOW * 1_000_000 & 0xFFFFFFFF, len(data), len(data))
        + data,
    )
    capture, _ = read(section() + interface() + old + simple)
    assert [(m.data, m.time) for m in capture.messages] == [(sip(), NOW)] * 2


def test_keys_for_tls_in_the_file_are_noted():
    capture, _ = read(
        section() + interface() + block(10, struct.pack("<II", 0x544C534B, 4) + b"KEYS") + enhanced(TWO[0])
    )
    assert "keys" in capture.damage[0].what


def test_frames_of_network_monitor_itself_get_no_number():
    capture, _ = read(netmon([b"note", TWO[0], ip4(udp(sip()))], kinds=[0xFFFC, 1, 0xE000 + 101]))
    assert [m.place.frame for m in capture.messages] == [1, 2]


def test_a_dump_of_hep_packets():
    capture, _ = read(hep3(sip()) + hep3(b"{}", kind=5) + hep3(response_like()))
    assert [(str(m.src), m.source, m.place.frame) for m in capture.messages] == [
        ("203.0.113.1:5062", "hep", 1),
        ("203.0.113.1:5062", "hep", 3),
    ]
    assert capture.files[0].unread == {"hep: RTCP as JSON": 1}
    assert capture.files[0].format == "hep"


def response_like():
    return b"SIP/2.0 200 OK\r\nCall-ID: a\r\n\r\n"


CUTS = {
    "pcap": (PLAIN[:-5], "cut short"),
    "pcap-header": (PLAIN[: -len(TWO[1]) - 6], "cut short"),
    "pcapng": (FILES["pcapng"][:-5], "cut short"),
    "gzip": (gzip.compress(PLAIN, 0)[:-40], "cut short"),
    "xz": (lzma.compress(PLAIN, preset=0)[:-1], "cut short"),
    "length": (
        PLAIN[: 24 + 16 + len(TWO[0]) + 8] + b"\xff\xff\xff\x7f" + PLAIN[24 + 16 + len(TWO[0]) + 12 :],
        "damaged",
    ),
    "pcapng-length": (FILES["pcapng"][: -len(enhanced(TWO[1]))] + struct.pack("<II", 6, 3) + bytes(40), "damaged"),
    "hep": (hep3(sip()) + hep3(sip())[:-3], "cut short"),
}


@pytest.mark.parametrize("name", CUTS)
def test_what_is_ahead_of_the_damage_is_kept(name):
    data, word = CUTS[name]
    capture, _ = read(data)
    assert [message.data for message in capture.messages] == [sip()]
    assert any(word in damage.what for damage in capture.damage), capture.damage


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 1000,
        bytes(range(256)) * 4,
        b"BZh91AY&SY" + bytes(range(200, 256)),
        PLAIN[:10],
        PLAIN[:30],
        gzip.compress(b"\0\1\2\3" * 100, mtime=0),
        gzip.compress(PLAIN, mtime=0)[:12],
        b"\x1f\x8b" + bytes(30),
        b"PK\x03\x04" + bytes(100),
        zipped(),
        b"GMBU" + bytes(20),
        b"just words, nothing else\n" * 5,
        section()[:14],
    ],
)
def test_what_cannot_be_read_gets_one_line(data):
    with pytest.raises(UnreadableInput, match=r"^file0: .+") as told:
        read(data)
    assert "\n" not in str(told.value)


def test_an_empty_capture_is_no_error():
    assert read(pcap([]))[0].files[0].packets == 0


def test_one_unreadable_file_among_others_is_damage():
    capture, _ = read(b"\0" * 100, PLAIN)
    assert len(capture.messages) == 1
    assert "file0" in capture.damage[0].what


def test_a_file_that_is_not_there(tmp_path):
    from trunkline.analyzer.model.capture import Capture
    from trunkline.analyzer.read.files import read_files

    for path in (tmp_path / "none.pcap", tmp_path):
        with pytest.raises(UnreadableInput):
            read_files([path], Capture(), Limits(), None)
    (tmp_path / "empty").touch()
    with pytest.raises(UnreadableInput, match="empty"):
        read_files([tmp_path / "empty"], Capture(), Limits(), None)


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(PLAIN + bytes(18 << 20))
    capture, _ = read(bomb)
    assert len(capture.messages) == 1
    assert any("times its size" in damage.what for damage in capture.damage)
    capture, _ = read(gzip.compress(PLAIN), limits=Limits(unpacked_bytes=len(PLAIN) - 5))
    assert [damage.what[:20] for damage in capture.damage] == ["the file is cut shor", "it unpacks to more t"]


def test_archives_in_archives_end_somewhere():
    data = PLAIN
    for _ in range(10):
        data = gzip.compress(data)
    with pytest.raises(UnreadableInput, match="packed more than 8 times"):
        read(data)


def test_a_zip_holds_several_files():
    later = pcap([frame(sip("BYE"))], times=[NOW + 5])
    capture, _ = read(zipped(("b.pcap", later), ("a.pcap", PLAIN), ("x.bin", b"\0\1\2" * 50)))
    assert [file.name for file in capture.files] == ["file0:b.pcap", "file0:a.pcap"]
    assert [m.data[:3] for m in capture.messages] == [b"INV", b"BYE"]
    assert "x.bin" in capture.damage[0].what


def test_several_files_are_merged_by_time():
    one = pcap([frame(sip("INVITE")), frame(sip("BYE"))], times=[NOW, NOW + 10])
    two = pcap([frame(sip("ACK"))], times=[NOW + 5])
    seen = []
    capture, _ = read(one, two, progress=lambda done, total: seen.append((done, total)))
    assert [m.data[:3] for m in capture.messages] == [b"INV", b"ACK", b"BYE"]
    assert [m.place.file for m in capture.messages] == [0, 1, 0]
    assert seen[-1] == (len(one) + len(two),) * 2
    assert seen == sorted(seen)


def test_what_the_report_says_of_a_file():
    frames = [frame(rtp(1)), frame(rtp(2))[:100], ether(b"\0" * 46, 0x0806), frame(rtp(3))]
    wires = [len(frame(rtp(1))), len(frame(rtp(2))), 60, len(frame(rtp(3)))]
    capture, rows = read(pcap(frames, times=[NOW, NOW + 2, NOW + 1, NOW + 3], wires=wires))
    file = capture.files[0]
    assert (file.snaplen_cut, file.clock_backsteps, file.unread) == (1, 1, {"arp": 1})
    assert (file.first, file.last) == (NOW, NOW + 3)
    assert [(len(row[4]), row[5]) for row in rows] == [(172, 172), (58, 172), (172, 172)]


def test_the_limit_of_packets():
    capture, _ = read(pcap([frame(sip())] * 5), limits=Limits(packets=3))
    assert len(capture.messages) == 3
    assert "first 3 packets" in capture.damage[0].what
    capture, _ = read(section() + interface() + enhanced(TWO[0]) * 5, limits=Limits(packets=3))
    assert 3 <= len(capture.messages) <= 4


def test_the_limit_of_messages():
    capture, _ = read(pcap([frame(sip())] * 5), limits=Limits(messages=3))
    assert len(capture.messages) == 3
    assert len(capture.damage) == 1


def test_keys_to_decrypt_tls_do_no_harm():
    keys = b"CLIENT_RANDOM " + b"0" * 64 + b" " + b"1" * 96 + b"\n"
    secrets = block(10, struct.pack("<II", 0x544C534B, len(keys)) + keys)
    plain, rows = read(section() + interface() + enhanced(TWO[0]) + enhanced(TWO[1]))
    capture, same = read(section() + interface() + secrets + enhanced(TWO[0]) + secrets + enhanced(TWO[1]))
    assert [(m.data, m.place) for m in capture.messages] == [(m.data, m.place) for m in plain.messages]
    assert rows == same
    assert [damage.what for damage in plain.damage] == []
    assert ["keys to decrypt TLS" in damage.what for damage in capture.damage] == [True]
