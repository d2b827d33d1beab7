"""Link layers and tunnels: the same message and the same datagram inside each."""

from __future__ import annotations

import struct

import pytest
from capture_builders import A6, B6, MACS, A, B, ether, ip4, ip6, pcap, read, rtp, sip, udp

SNAP = b"\xaa\xaa\x03\0\0\0"


def v4(payload):
    return ip4(udp(payload))


def v6(payload, **more):
    return ip6(udp(payload, A6, B6), **more)


def over4(payload, protocol):
    return ether(ip4(payload, "203.0.113.1", "203.0.113.2", protocol=protocol))


def over_udp(payload, port):
    return ether(ip4(udp(payload, ("203.0.113.1", 40000), ("203.0.113.2", port)), "203.0.113.1", "203.0.113.2"))


def gre(kind, packet, flags=0, more=b""):
    return over4(struct.pack(">HH", flags, kind) + more + packet, 47)


def sll(packet, kind=0x0800):
    return struct.pack(">HHH8sH", 0, 1, 6, MACS[6:12] + b"\0\0", kind) + packet


def sll2(packet, kind=0x0800):
    return struct.pack(">HHIHBB8s", kind, 0, 3, 1, 0, 6, MACS[6:12] + b"\0\0") + packet


def gtp(packet, flags=0x30, more=b""):
    return over_udp(struct.pack(">BBHI", flags, 255, len(packet) + len(more), 7) + more + packet, 2152)


def vxlan(packet):
    return over_udp(b"\x08\0\0\0\0\0\x01\0" + ether(packet), 4789)


def pppoe(packet, kind=0x0021):
    return ether(struct.pack(">BBHHH", 0x11, 0, 1, len(packet) + 2, kind) + packet, 0x8864)


def wifi(packet, kind=0x0800, qos=True):
    head = bytes([0x88 if qos else 0x08, 1, 0, 0]) + b"\2" * 6 + MACS[6:12] + MACS[:6] + b"\0\0"
    return head + (b"\0\0" if qos else b"") + SNAP + struct.pack(">H", kind) + packet


def erf(kind, packet, more=0):
    headers = b"".join(bytes([0x80 if left else 0, *[7] * 7]) for left in reversed(range(more)))
    size = 16 + len(headers) + len(packet)
    return struct.pack("<QBBHHH", 1, kind | (0x80 if more else 0), 4, size, 0, len(packet)) + headers + packet


def nflog(packet):
    return b"\2\0\0\0" + struct.pack("<HH", 8, 1) + bytes(4) + struct.pack("<HH", 4 + len(packet), 9) + packet


WAYS = {
    "ethernet": (1, lambda p: ether(v4(p))),
    "vlan": (1, lambda p: ether(v4(p), tags=(5,))),
    "qinq": (1, lambda p: ether(v4(p), tags=(5, 6))),
    "three tags": (1, lambda p: ether(v4(p), tags=(5, 6, 7))),
    "802.1ad": (1, lambda p: MACS + b"\x88\xa8\0\5\x81\0\0\6\x08\0" + v4(p)),
    "snap": (1, lambda p: MACS + struct.pack(">H", len(v4(p)) + 8) + SNAP + b"\x08\0" + v4(p)),
    "pppoe": (1, lambda p: pppoe(v4(p))),
    "pppoe vlan": (1, lambda p: MACS + b"\x81\0\0\5" + pppoe(v4(p))[12:]),
    "mpls": (1, lambda p: ether(b"\0\1\0\x40\0\2\1\x40" + v4(p), 0x8847)),
    "sll": (113, lambda p: sll(v4(p))),
    "sll2": (276, lambda p: sll2(v4(p))),
    "sll vlan": (113, lambda p: sll(b"\0\5\x08\0" + v4(p), 0x8100)),
    "raw 12": (12, v4),
    "raw 14": (14, v4),
    "raw 101": (101, v4),
    "raw ipv4": (228, v4),
    "null little": (0, lambda p: struct.pack("<I", 2) + v4(p)),
    "null big": (0, lambda p: struct.pack(">I", 2) + v4(p)),
    "loop": (108, lambda p: struct.pack(">I", 2) + v4(p)),
    "ppp": (9, lambda p: b"\xff\x03\0\x21" + v4(p)),
    "ppp short": (9, lambda p: b"\x21" + v4(p)),
    "ppp hdlc": (50, lambda p: b"\xff\x03\0\x21" + v4(p)),
    "pppoe link": (51, lambda p: pppoe(v4(p))[14:]),
    "cisco hdlc": (104, lambda p: b"\x0f\0\x08\0" + v4(p)),
    "wifi": (105, lambda p: wifi(v4(p), qos=False)),
    "wifi qos": (105, lambda p: wifi(v4(p))),
    "radiotap": (127, lambda p: b"\0\0\x0c\0" + bytes(8) + wifi(v4(p))),
    "erf": (197, lambda p: erf(2, b"\0\0" + ether(v4(p)))),
    "erf with more headers": (197, lambda p: erf(2, b"\0\0" + ether(v4(p)), 2)),
    "nflog": (239, lambda p: nflog(v4(p))),
    "ip options": (1, lambda p: ether(ip4(udp(p), options=b"\x01\x01\x01\x00"))),
    "ip in ip": (1, lambda p: over4(v4(p), 4)),
    "gre": (1, lambda p: gre(0x0800, v4(p))),
    "gre key, checksum": (1, lambda p: gre(0x0800, v4(p), 0xB000, bytes(12))),
    "gre ethernet": (1, lambda p: gre(0x6558, ether(v4(p)))),
    "gre ppp": (1, lambda p: gre(0x880B, b"\xff\x03\0\x21" + v4(p), 0x3081, bytes(12))),
    "erspan 1": (1, lambda p: gre(0x88BE, ether(v4(p)))),
    "erspan 2": (1, lambda p: gre(0x88BE, bytes(8) + ether(v4(p)), 0x1000, bytes(4))),
    "erspan 3": (1, lambda p: gre(0x22EB, bytes(12) + ether(v4(p)), 0x1000, bytes(4))),
    "gtp": (1, lambda p: gtp(v4(p))),
    "gtp sequence": (1, lambda p: gtp(v4(p), 0x32, bytes(4))),
    "gtp extension": (1, lambda p: gtp(v4(p), 0x34, b"\0\0\0\x85\1\0\0\0")),
    "vxlan": (1, lambda p: vxlan(v4(p))),
    "ip in gtp in gre in vlan": (1, lambda p: ether(gre(0x0800, gtp(v4(p))[14:])[14:], tags=(9,))),
}
SIX = {
    "ethernet": (1, lambda p: ether(v6(p), 0x86DD)),
    "vlan": (1, lambda p: ether(v6(p), 0x86DD, (5,))),
    "sll": (113, lambda p: sll(v6(p), 0x86DD)),
    "sll2": (276, lambda p: sll2(v6(p), 0x86DD)),
    "raw": (101, v6),
    "erf": (197, lambda p: erf(23, v6(p))),
    "null": (0, lambda p: struct.pack("<I", 30) + v6(p)),
    "hop by hop": (1, lambda p: ether(v6(p, first=0, extensions=b"\x11\0\x05\x02\0\0\1\0"), 0x86DD)),
    "routing, destination": (
        1,
        lambda p: ether(v6(p, first=43, extensions=b"\x3c" + bytes(7) + b"\x11" + bytes(7)), 0x86DD),
    ),
    "atomic fragment": (1, lambda p: ether(v6(p, first=44, extensions=b"\x11" + bytes(7)), 0x86DD)),
    "6in4": (1, lambda p: over4(v6(p), 41)),
    "6in6": (1, lambda p: ether(ip6(v6(p), "2001:db8:9::1", "2001:db8:9::2", protocol=41), 0x86DD)),
    "pppoe": (1, lambda p: pppoe(v6(p), 0x0057)),
    "gre": (1, lambda p: gre(0x86DD, v6(p))),
    "gtp": (1, lambda p: gtp(v6(p))),
}


def check(link, wrap, a, b):
    # A message, a packet of media, and the message once more: fast and slow path keep the file's order between them.
    frames = [wrap(sip()), wrap(rtp(1)), wrap(rtp(2)), wrap(sip("BYE"))]
    capture, rows = read(pcap(frames, link))
    assert [message.data for message in capture.messages] == [sip(), sip("BYE")]
    assert [(message.src, message.dst) for message in capture.messages] == [(a, b)] * 2
    assert [message.wire_length for message in capture.messages] == [len(sip()), len(sip("BYE"))]
    assert [(row[1], row[4]) for row in rows] == [(2, rtp(1)), (3, rtp(2))]
    assert {row[3] for row in rows} == {(*a, *b)}
    assert not any(message.truncated for message in capture.messages)
    return capture


@pytest.mark.parametrize("name", WAYS)
def test_ipv4(name):
    check(*WAYS[name], A, B)


@pytest.mark.parametrize("name", SIX)
def test_ipv6(name):
    check(*SIX[name], A6, B6)


def test_what_tells_a_packet_from_its_copy():
    file = pcap([ether(ip4(udp(sip()), number=77, tos=26 << 2), tags=(5, 6))])
    link = read(file)[0].messages[0].link
    assert (link.ip_id, link.ttl, link.dscp, link.vlan) == (77, 64, 26, (5, 6))
    assert (link.src_mac, link.dst_mac) == ("02:00:00:00:00:0a", "02:00:00:00:00:0b")
    assert read(pcap([sll2(v4(sip()))], 276))[0].messages[0].link.interface == 3


def test_padding_of_ethernet_is_no_payload():
    short = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"
    capture, _ = read(pcap([ether(v4(short)) + bytes(20)]))
    assert (capture.messages[0].data, capture.messages[0].trailing) == (short, b"")


def test_a_packet_that_was_cut_says_so():
    whole = ether(v4(sip(body=b"x" * 50)))
    capture, _ = read(pcap([whole[:-60]], wires=[len(whole)]))
    message = capture.messages[0]
    assert message.truncated
    assert message.wire_length == len(sip(body=b"x" * 50)) == len(message.data) + 60


def test_tunnels_in_tunnels_end_somewhere():
    packet = v4(sip())
    for _ in range(20):
        packet = ip4(packet, protocol=4)
    capture, _ = read(pcap([ether(packet)]))
    assert capture.messages == []
    assert capture.files[0].unread == {"nested too deep": 1}


def test_media_on_the_ports_of_tunnels_stays_media():
    frames = [ether(ip4(udp(rtp(n), ("192.0.2.1", 2152), ("192.0.2.2", 4789)))) for n in range(3)]
    assert len(read(pcap(frames))[1]) == 3


def test_unknown_link_types_are_counted():
    capture, rows = read(pcap([bytes(40)] * 3, link=192))
    assert (rows, capture.files[0].unread) == ([], {"link": 3})
    assert capture.files[0].link_types == ("link type 192",)
