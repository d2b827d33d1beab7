"""Legs of a B2BUA: joined where there is proof enough, and only there."""

from __future__ import annotations

import pytest
from call_ladder import Ladder, sdp

PHONE, PBX, TRUNK = ("192.168.1.20", 5062), ("192.168.1.5", 5060), ("198.51.100.7", 5060)


def two_legs(ladder, at=0.0, *, apart=0.05, name="", out=None, **first):
    """PHONE calls PBX, PBX calls TRUNK; answers follow each other."""
    a = ladder.leg(f"in{name}", PHONE, PBX, **first)
    b = ladder.leg(f"out{name}", PBX, TRUNK, **(out or {}))
    a.request(at, "INVITE").answer(at + 0.01, 100)
    b.request(at + apart, "INVITE").answer(at + apart + 0.1, 180)
    a.answer(at + apart + 0.11, 180)
    b.answer(at + 5, 200).request(at + 5.01, "ACK", branch="k", tag="t")
    a.answer(at + 5.02, 200).request(at + 5.05, "ACK", branch="k", tag="t")
    a.request(at + 9, "BYE", 2, branch="z", tag="t").answer(at + 9.01, 200, "BYE", 2, branch="z")
    b.request(at + 9.02, "BYE", 2, branch="z", tag="t").answer(at + 9.1, 200, "BYE", 2, branch="z")


def joined(ladder):
    return [tuple(d.call_id for d in call.dialogs) for call in ladder.trace().calls]


def test_a_call_through_a_pbx_is_one():
    ladder = Ladder()
    two_legs(ladder, number="5551230000", by="101", out={"number": "+15551230000", "by": "+15557654321"})
    (call,) = ladder.trace().calls
    (reason,) = call.joined
    assert reason.call_ids == ("in", "out")
    assert reason.score >= 0.6
    assert "the same called number" in reason.why
    assert (call.caller, call.called, call.status) == ("101", "5551230000", "completed")


def test_an_origination_to_an_extension_is_one():
    ladder = Ladder()
    two_legs(ladder, number="+15551230000", by="+15557654321", out={"number": "101", "by": "+15557654321"})
    assert joined(ladder) == [("in", "out")]


def test_nothing_but_time_joins_nothing():
    ladder = Ladder()
    ladder.leg("x", PHONE, PBX, number="201", by="101").request(0, "INVITE").answer(5, 486)
    ladder.leg("y", PBX, TRUNK, number="+15550009999", by="+15550001111").request(0.02, "INVITE").answer(9, 404)
    assert joined(ladder) == [("x",), ("y",)]


def test_a_leg_that_had_ended_before_is_another_call():
    ladder = Ladder()
    ladder.leg("x", PHONE, PBX, number="5551230000").request(0, "INVITE").answer(0.5, 403)
    ladder.leg("y", PBX, TRUNK, number="+15551230000").request(1, "INVITE").answer(1.5, 200)
    assert joined(ladder) == [("x",), ("y",)]


def test_more_than_three_seconds_apart_are_two():
    ladder = Ladder()
    ladder.leg("x", PHONE, PBX, number="5551230000").request(0, "INVITE").answer(9, 200)
    ladder.leg("y", PBX, TRUNK, number="+15551230000").request(4, "INVITE").answer(8.9, 200)
    assert joined(ladder) == [("x",), ("y",)]


def test_two_that_fit_as_well_are_not_guessed():
    ladder = Ladder()
    for name in ("1", "2"):
        ladder.leg(name, PHONE, PBX, number="5551230000", by="101").request(0.01 * int(name), "INVITE").answer(
            0.02, 100
        )
    ladder.leg("y", PBX, TRUNK, number="+15551230000", by="101").request(0.1, "INVITE").answer(0.2, 100)
    assert joined(ladder) == [("1",), ("2",), ("y",)]


def test_many_calls_at_once_find_their_own_legs():
    ladder = Ladder()
    for i in range(20):
        number = f"+1555{i:07d}"
        two_legs(
            ladder, i * 0.01, name=str(i), number=number, by=f"{100 + i}", out={"number": number, "by": "+15557654321"}
        )
    assert joined(ladder) == [(f"in{i}", f"out{i}") for i in range(20)]


def test_a_group_of_phones_is_one_call():
    ladder = Ladder()
    ladder.leg("in", TRUNK, PBX, by="+15557654321").request(0, "INVITE").answer(0.01, 100).answer(0.4, 180)
    for i in range(3):
        ladder.leg(f"p{i}", PBX, (f"192.168.1.2{i}", 5060), number=f"10{i}", by="+15557654321").request(
            0.1, "INVITE"
        ).answer(0.3, 180)
    assert joined(ladder) == [("in", "p0", "p1", "p2")]


@pytest.mark.parametrize(
    ("call_id", "header", "why"),
    [
        ("y", "X-CID: x\r\n", "X-CID"),
        ("x_b2b-1", "", "_b2b-1"),
        ("y", "Replaces: x;to-tag=t;from-tag=f\r\n", "Replaces"),
        ("y", "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2\r\n", "RFC 7989"),
    ],
)
def test_a_header_that_names_the_other_leg(call_id, header, why):
    ladder = Ladder()
    shared = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n"
    ladder.leg("x", PHONE, PBX, number="1", by="2", headers=shared).request(0, "INVITE").answer(30, 200)
    ladder.leg(call_id, ("10.9.9.9", 5060), TRUNK, number="3", by="4", headers=header).request(20, "INVITE").answer(
        25, 200
    )
    (call,) = ladder.trace().calls
    assert why in call.joined[0].why[0]


def test_a_log_that_numbers_its_sessions():
    ladder = Ladder()
    ladder.leg("x", PHONE, PBX, number="1").request(0, "INVITE", correlation_id="s7")
    ladder.leg("y", PBX, TRUNK, number="2").request(1, "INVITE", correlation_id="s7")
    ladder.leg("z", PBX, TRUNK, number="3").request(1, "INVITE", correlation_id="s8")
    assert joined(ladder) == [("x", "y"), ("z",)]


def test_the_same_media_in_both_offers_speaks_for_one_call():
    ladder = Ladder()
    ladder.leg("x", PHONE, PBX, number="1", by="2").request(0, "INVITE", body=sdp("192.168.1.20", 4000)).answer(9, 486)
    ladder.leg("y", PBX, TRUNK, number="3", by="4").request(0.1, "INVITE", body=sdp("192.168.1.20", 4000)).answer(
        8, 486
    )
    assert joined(ladder) == [("x", "y")]


def test_a_log_is_of_one_machine_whatever_address_it_shows():
    ladder = Ladder()
    log = {"source": "text", "sent_by_us": False}
    ladder.leg("x", PHONE, PBX, number="5551230000", by="101").request(0, "INVITE", **log)
    log["sent_by_us"] = True
    ladder.leg("y", ("203.0.113.9", 5060), TRUNK).request(0.1, "INVITE", **log)
    assert joined(ladder) == [("x", "y")]


def test_a_conference_through_a_proxy_on_the_same_machine_is_two_calls():
    """The telephone and the proxy share an address: what it receives and sends is no sign of a B2BUA."""
    ladder = Ladder()
    phone, proxy = ("192.168.1.5", 44478), ("192.168.1.5", 5060)
    ends = ("192.168.1.30", 5060), ("192.168.1.31", 5060)
    calls = ("x", "0", 0.0, 0.1, 2.0, ends[0]), ("y", "1", 0.002, 0.05, 1.95, ends[1])
    for name, number, at, rings, answers, end in calls:
        near = ladder.leg(name, phone, proxy, number=number, by="magum")
        far = ladder.leg(name, proxy, end, number=number, by="magum")
        near.request(at, "INVITE")
        far.request(at + 0.001, "INVITE", branch="b2")
        far.answer(rings, 180, branch="b2")
        near.answer(rings + 0.001, 180)
        far.answer(answers, 200, branch="b2")
        near.answer(answers + 0.001, 200)
    assert joined(ladder) == [("x", "x"), ("y", "y")]
