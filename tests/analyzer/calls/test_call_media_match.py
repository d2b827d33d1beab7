"""Streams to calls."""

from __future__ import annotations

from call_ladder import Ladder, sdp

from trunkline.analyzer.model.capture import Endpoint, Place
from trunkline.analyzer.model.stream import Media, Stream
from trunkline.analyzer.rules.flows import flows_of

PBX, TRUNK = ("192.168.1.5", 5060), ("198.51.100.7", 5060)


def stream(src, dst, first=3.0, last=11.0, types=None):
    types = types or {0: 400}
    return Stream(
        1, Endpoint(*src), Endpoint(*dst), first, last, Place(), Place(), 400, 64000, next(iter(types)), types
    )


def matched(ladder, *streams, doubtful=()):
    media = Media(streams=list(streams), captured=True, doubtful=list(doubtful))
    trace = ladder.trace(media)
    return trace, [(s.call, s.match, s.from_caller) for s in media.streams]


def one_call(offer=("192.168.1.5", 10000), answer=("198.51.100.8", 20000), at=0.0, name="a", **more):
    ladder = more.pop("ladder", None) or Ladder()
    ladder.leg(name, PBX, TRUNK, **more).call(at, offer=sdp(*offer), answer=sdp(*answer))
    return ladder


def test_both_directions_by_their_sdp():
    trace, found = matched(
        one_call(),
        stream(("192.168.1.5", 10000), ("198.51.100.8", 20000)),
        stream(("198.51.100.8", 20000), ("192.168.1.5", 10000)),
        stream(("192.0.2.99", 1), ("192.0.2.98", 2)),
    )
    assert found == [("c1", "sdp", True), ("c1", "sdp", False), (None, "", None)]
    assert trace.calls[0].streams == [0, 1]


def test_where_nat_makes_the_sdp_wrong():
    # The PBX says 192.168.1.5, its packets come from 203.0.113.9: only the other end is named.
    _, found = matched(
        one_call(),
        stream(("203.0.113.9", 40000), ("198.51.100.8", 20000)),
        stream(("198.51.100.8", 20000), ("203.0.113.9", 40000)),
    )
    assert found == [("c1", "sdp", True), ("c1", "sdp", False)]
    _, found = matched(
        one_call(),
        stream(("203.0.113.9", 40000), ("198.51.100.8", 20000)),
        stream(("198.51.100.8", 20000), ("203.0.113.9", 40000)),
    )
    assert found[1][0] == "c1"


def ice(host, port, *more):
    """The session's address is the NAT's; ICE knows the host's own."""
    lines = [f"a=candidate:{n} 1 UDP 2130706303 {ip} {at} typ host" for n, (ip, at) in enumerate([(host, port), *more])]
    lines.append(f"a=candidate:9 2 UDP 2130706302 {host} {port + 1} typ host")
    return "".join(f"{line}\r\n" for line in lines)


def test_ice_chooses_another_address():
    offer = sdp("147.175.191.137", 7080) + ice("10.10.37.168", 7080, ("169.254.160.23", 7080))
    answer = sdp("147.175.190.161", 49883) + ice("10.10.38.92", 7078)
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).call(0, offer=offer, answer=answer)
    trace, found = matched(
        ladder,
        stream(("10.10.37.168", 7080), ("147.175.190.161", 49883)),
        stream(("10.10.38.92", 7078), ("10.10.37.168", 7080)),
        stream(("10.10.37.168", 7080), ("10.10.38.92", 7078)),
        stream(("10.10.37.168", 7081), ("10.10.38.92", 7079)),
    )
    assert found == [("c1", "sdp", True), ("c1", "sdp", False), ("c1", "sdp", True), (None, "", None)]
    assert {flow.receiver for flow in flows_of(trace)} == {"caller", "callee", ""}


def test_the_way_back_is_latched():
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).call(0, offer=sdp("192.168.1.5", 10000), answer=sdp("198.51.100.8", 20000))
    _, found = matched(
        ladder,
        stream(("203.0.113.9", 40000), ("192.168.1.5", 10000)),
        stream(("192.168.1.5", 10002), ("203.0.113.9", 40002)),
        stream(("192.168.1.5", 10000), ("203.0.113.9", 40000)),
    )
    assert found[0] == ("c1", "sdp", False)
    assert found[2] == ("c1", "sdp", True)
    assert found[1] == ("c1", "time", True)


def test_ports_that_are_used_again_belong_to_the_call_of_their_time():
    ladder = one_call()
    one_call(ladder=ladder, at=60.0, name="b", number="+15550000002")
    _, found = matched(
        ladder,
        stream(("192.168.1.5", 10000), ("198.51.100.8", 20000)),
        stream(("192.168.1.5", 10000), ("198.51.100.8", 20000), 63, 71),
    )
    assert [call for call, _, _ in found] == ["c1", "c2"]


def test_two_calls_at_once_are_not_guessed():
    ladder = one_call()
    one_call(("192.168.1.5", 10010), ("198.51.100.8", 20010), 0.1, "b", ladder=ladder, number="+15550000002")
    _, found = matched(ladder, stream(("192.168.1.5", 11111), ("203.0.113.77", 22222)))
    assert found == [(None, "", None)]


def test_one_packet_that_sdp_names_is_a_stream():
    ladder = one_call()
    late = stream(("192.168.1.5", 10000), ("198.51.100.8", 20000), 9, 9)
    noise = stream(("192.0.2.1", 9), ("192.0.2.2", 9), 9, 9)
    trace, found = matched(ladder, stream(("198.51.100.8", 20000), ("192.168.1.5", 10000)), doubtful=[late, noise])
    assert found == [("c1", "sdp", False), ("c1", "sdp", True)]
    assert trace.media.doubtful == [noise]


def test_payload_types_are_those_of_the_receiver(monkeypatch):
    from trunkline.analyzer.media import payload_types

    given = {}
    monkeypatch.setattr(payload_types, "apply_payload_types", lambda _media, maps: given.update(maps))
    ladder = Ladder()
    offer = sdp("192.168.1.5", 10000).replace("101", "96")
    ladder.leg("a", PBX, TRUNK).call(0, offer=offer, answer=sdp("198.51.100.8", 20000))
    matched(
        ladder,
        stream(("192.168.1.5", 10000), ("198.51.100.8", 20000), types={0: 400, 101: 9}),
        stream(("198.51.100.8", 20000), ("203.0.113.9", 40000), types={0: 400, 96: 9}),
        stream(("198.51.100.8", 20000), ("192.168.1.5", 10000), types={0: 400}),
    )
    assert set(given) == {0, 1}
    assert given[0][101] == ("telephone-event", 8000)
    # The receiver is behind NAT: its side of the call says what 96 is.
    assert given[1][96] == ("telephone-event", 8000)
