"""SIP in plain datagrams takes a way of its own: what comes out has to be the same as through all layers."""

from __future__ import annotations

import struct

import pytest
from capture_builders import (
    MACS,
    A,
    B,
    block,
    enhanced,
    ether,
    frame,
    interface,
    ip4,
    option,
    pcap,
    read,
    response,
    rtp,
    section,
    sip,
    udp,
)

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.read import fast, plain_sip
from trunkline.analyzer.sip import kept, lines
from trunkline.analyzer.sip.parser import parse_message


def over_ip(payload, **more):
    return ip4(udp(payload), **more)


def cooked(packet):
    return struct.pack(">HHH8sH", 0, 1, 6, MACS[6:12] + b"\0\0", 0x0800) + packet


def cooked2(packet, number=3):
    return struct.pack(">HHIHBB8s", 0x0800, 0, number, 1, 0, 6, MACS[6:12] + b"\0\0") + packet


def named_interfaces():
    heads = [section(), interface(1, option(2, b"outside")), interface(101, option(2, b"inside"))]
    frames = [(frame(sip()), 0), (over_ip(response()), 1), (frame(sip("OPTIONS")), 0)]
    return b"".join(heads + [enhanced(data, number=number) for data, number in frames] + [block(5, b"\0" * 12)])


FILES = {
    "Ethernet": pcap([frame(sip()), frame(response(), B, A, tos=0xB8, number=9), frame(rtp()), frame(sip("ACK"))]),
    "tagged": pcap([ether(over_ip(sip()), tags=(7,)), frame(sip())]),
    "raw IP": pcap([over_ip(sip(), number=number) for number in range(5)], 101),
    "cooked": pcap([cooked(over_ip(sip())), cooked(over_ip(response()))], 113),
    "cooked 2": pcap([cooked2(over_ip(sip()), number) for number in (1, 4)], 276),
    "interfaces": named_interfaces(),
    "line ends ahead": pcap([frame(b"\r\n" + sip()), frame(b"\r\n\r\n"), frame(b"\r\n\r\n" + response())]),
    "more than the body": pcap([frame(sip(body=b"v=0\r\n") + b"and more"), frame(sip() + b"x" * 9)]),
    "a body of blank lines": pcap([frame(sip(body=b"a\r\n\r\n")), frame(sip(body=b"\r\n\r\n"))]),
    "cut": pcap([frame(sip())[:90], frame(sip(body=b"v=0\r\n"))[:-3], frame(sip())[:44]], wires=[500, 500, 500]),
    "padded by the card": pcap([frame(sip()) + b"\0" * 12]),
    "text that is no SIP": pcap([frame(sip()), frame(b"HELLO WORLD, THIS IS TEXT"), frame(b"GET / HTTP/1.1\r\n\r\n")]),
    "options and fragments": pcap([ether(over_ip(sip(), options=b"\1" * 4)), ether(over_ip(sip(), place=0x2000))]),
    "no time between": pcap([frame(sip()), frame(response(), B, A)], times=[5.0, 5.0]),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("limits", [None, Limits(messages=1), Limits(message_bytes=100), Limits(packet_bytes=120)])
def test_both_ways_read_the_same(name, limits, monkeypatch):
    quick = read(FILES[name], limits=limits)
    monkeypatch.setattr(fast, "LINKS", frozenset())
    slow = read(FILES[name], limits=limits)
    assert slow[0] == quick[0]
    assert quick[0].messages or limits is not None


def test_the_quick_way_is_taken(monkeypatch):
    taken = []
    take = plain_sip.PlainSip.take
    monkeypatch.setattr(plain_sip.PlainSip, "take", lambda self, *more: taken.append(take(self, *more)) or taken[-1])
    read(FILES["Ethernet"])
    assert taken == [True, True, True]


def test_lines_are_shared_and_give_the_same_message_as_afresh():
    raws = [raw for data in FILES.values() for raw in read(data)[0].messages]
    kept.forget()
    again = [parse_message(raw, index) for index, raw in enumerate(raws)]
    first, second = again[0], next(one for one in again[1:] if one.raw.data == again[0].raw.data)
    assert first.head.lines[0] is second.head.lines[0]
    assert first.head.shape is second.head.shape
    for index, raw in enumerate(raws):
        kept.forget()
        alone = parse_message(raw, index)
        assert alone.headers == again[index].headers
        assert (alone.from_, alone.to, alone.vias, alone.cseq, alone.problems) == (
            *(again[index].from_, again[index].to, again[index].vias, again[index].cseq),
            again[index].problems,
        )
    kept.forget()
    assert not lines._lines
