"""Messages to transactions, dialogs and calls."""

from __future__ import annotations

import pytest
from call_ladder import Ladder, sdp

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.model.capture import Endpoint, LinkFacts, RawMessage

PBX, TRUNK, PHONE = ("192.168.1.5", 5060), ("198.51.100.7", 5060), ("192.168.1.20", 5062)


def test_a_whole_call():
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).call(100.0, offer=sdp("192.168.1.5", 10000), answer=sdp("198.51.100.7", 20000))
    trace = ladder.trace()
    (call,) = trace.calls
    (dialog,) = call.dialogs
    assert (call.id, call.kind, call.caller, call.called) == ("c1", "call", "+15557654321", "+15551230000")
    assert (call.status, call.final_status, call.ended_by) == ("completed", 200, "caller")
    assert (call.started, call.ringing, call.answered, call.ended) == (100.0, 100.5, 102.0, 112.0)
    assert [t.method for t in dialog.transactions] == ["INVITE", "BYE"]
    invite = dialog.invites[0]
    assert [m.status for m in invite.responses] == [100, 180, 200]
    assert (invite.final.status, len(invite.provisional), len(invite.ack)) == (200, 2, 1)
    (exchange,) = dialog.exchanges
    assert (exchange.offer_sdp.media[0].port, exchange.answer_sdp.media[0].port) == (10000, 20000)
    assert (str(dialog.caller), str(dialog.callee)) == ("192.168.1.5:5060", "198.51.100.7:5060")
    assert (dialog.from_tag, dialog.to_tags) == ("f", ("t",))
    assert not dialog.begun_before_capture
    assert not dialog.cut_by_end
    assert trace.inside_nat
    assert not trace.one_sided
    assert (trace.start, trace.end) == (100.0, 112.02)


def test_retransmissions_are_no_new_transactions():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    for at in (0.0, 0.5, 1.5):
        leg.request(at, "INVITE")
    leg.answer(2, 183, body=sdp("198.51.100.7", 1)).answer(2.1, 183, body=sdp("198.51.100.7", 2, 2))
    leg.answer(3, 486).answer(3.5, 486).request(3.6, "ACK", tag="t").request(3.7, "ACK", tag="t")
    trace = ladder.trace()
    (transaction,) = trace.dialogs[0].transactions
    assert [m.retransmission_of for m in transaction.requests] == [None, 0, 0]
    assert [m.status for m in transaction.responses if m.retransmission_of is None] == [183, 183, 486]
    assert [m.retransmission_of for m in transaction.ack] == [None, transaction.ack[0].index]
    assert trace.calls[0].status == "busy"


def test_captured_twice_is_not_sent_twice():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0.0, "INVITE", link=LinkFacts(ip_id=7, ttl=64, src_mac="a"))
    leg.request(0.0002, "INVITE", link=LinkFacts(ip_id=7, ttl=63, src_mac="b"))
    leg.request(0.5, "INVITE", link=LinkFacts(ip_id=8, ttl=64, src_mac="a"))
    leg.request(0.502, "INVITE", link=LinkFacts(ip_id=9, ttl=64, src_mac="a"))
    trace = ladder.trace()
    assert [m.duplicate_of for m in trace.messages] == [None, 0, None, None]
    assert [m.retransmission_of for m in trace.messages] == [None, None, 0, 0]
    assert len(trace.dialogs[0].messages) == 3


def test_one_hop_captured_at_two_points_is_one():
    ladder = Ladder()
    for file, ahead in ((0, 0.0), (1, 17.3)):
        leg = ladder.leg("a", PBX, TRUNK)
        leg.request(100 + ahead, "INVITE", file=file).request(100.5 + ahead, "INVITE", file=file)
        leg.answer(101 + ahead, 100, file=file).answer(101.2 + ahead, 486, file=file)
        leg.request(101.3 + ahead, "ACK", tag="t", file=file)
    trace = ladder.trace()
    assert sum(m.duplicate_of is None for m in trace.messages) == 5
    (transaction,) = trace.dialogs[0].transactions
    assert len(transaction.requests) == 2


def test_a_message_captured_on_both_sides_of_a_nat_is_one():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(1.0, "OPTIONS")
    raw, outside = ladder.raw[-1], Endpoint("203.0.113.9", 40000)
    ladder.raw.append(RawMessage(raw.data, raw.place, 1.0001, outside, raw.dst, "udp", link=LinkFacts(ip_id=7, ttl=63)))
    assert [m.duplicate_of for m in ladder.trace().messages] == [None, 0]


def test_a_proxy_makes_two_hops_of_one_call():
    ladder = Ladder()
    proxy = ("192.168.1.9", 5060)
    ladder.leg("a", PHONE, proxy).call(0.0)
    second = ladder.leg("a", proxy, TRUNK)
    second.request(0.005, "INVITE", branch="p1").answer(0.4, 180, branch="p1").answer(1.9, 200, branch="p1")
    second.request(2.03, "ACK", branch="p2", tag="t").request(12.01, "BYE", 2, branch="p3", tag="t")
    second.answer(12.015, 200, "BYE", 2, branch="p3")
    trace = ladder.trace()
    (call,) = trace.calls
    assert [len(dialog.messages) for dialog in call.dialogs] == [7, 6]
    assert (call.status, call.joined) == ("completed", [])


def test_two_phones_on_one_machine_behind_a_proxy_are_two_hops():
    ladder = Ladder()
    proxy, other = ("192.168.1.9", 5060), ("192.168.1.20", 5070)
    ladder.leg("a", PHONE, proxy).request(0.0, "INVITE").answer(0.5, 180)
    ladder.leg("a", proxy, other).request(0.1, "INVITE", branch="p").answer(0.4, 180, branch="p")
    assert [len(dialog.messages) for dialog in ladder.trace().calls[0].dialogs] == [2, 2]


def test_a_proxy_without_record_route_misses_nothing():
    ladder = Ladder()
    proxy = ("192.168.1.9", 5060)
    ladder.leg("a", PHONE, proxy).request(0, "INVITE").answer(1, 180).answer(2, 200)
    ladder.leg("a", proxy, PBX).request(0.1, "INVITE", branch="p").answer(0.9, 180, branch="p").answer(
        1.9, 200, branch="p"
    )
    direct = ladder.leg("a", PHONE, PBX)
    direct.request(2.1, "ACK", branch="d", tag="t").request(9, "BYE", 2, branch="e", back=True).answer(
        9.1, 200, "BYE", 2, branch="e", back=True
    )
    trace = ladder.trace()
    (call,) = trace.calls
    first, second, last = call.dialogs
    assert first.continued_elsewhere
    assert second.continued_elsewhere
    assert not any(d.begun_before_capture or d.cut_by_end for d in call.dialogs)
    assert len(first.invites[0].ack) == len(second.invites[0].ack) == 1
    assert (call.status, call.ended_by) == ("completed", "callee")
    assert not last.continued_elsewhere


def test_tcp_clients_that_come_from_new_ports_stay_one_hop():
    ladder = Ladder()
    ladder.leg("a", ("192.168.1.5", 40001), TRUNK).request(0, "INVITE", transport="tcp").answer(1, 200, transport="tcp")
    again = ladder.leg("a", ("192.168.1.5", 40002), TRUNK)
    again.request(1.1, "ACK", branch="b2", tag="t", transport="tcp")
    again.request(5, "BYE", 2, branch="b3", tag="t", transport="tcp")
    (call,) = ladder.trace().calls
    assert len(call.dialogs) == 1


def test_credentials_make_a_second_transaction_of_one_call():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0, "INVITE").answer(0.1, 407).request(0.11, "ACK", tag="t")
    leg.request(0.2, "INVITE", 2, branch="c").answer(0.3, 404, cseq=2, branch="c").request(
        0.4, "ACK", 2, branch="c", tag="t"
    )
    (call,) = ladder.trace().calls
    assert (call.status, call.final_status) == ("refused", 404)
    assert [len(t.ack) for t in call.dialogs[0].invites] == [1, 1]


def test_cancel_belongs_to_its_invite():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0, "INVITE").answer(0.1, 100).answer(1, 180).request(9, "CANCEL").answer(9.1, 200, "CANCEL")
    leg.answer(9.2, 487).request(9.3, "ACK", tag="t")
    (call,) = ladder.trace().calls
    (dialog,) = call.dialogs
    assert [t.method for t in dialog.transactions] == ["INVITE", "CANCEL"]
    assert dialog.invites[0].cancel.method == "CANCEL"
    assert (call.status, call.ended_by) == ("canceled", "caller")


def test_old_branches_go_by_cseq():
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).call(0.0)
    for raw in ladder.raw:
        raw.data = raw.data.replace(b";branch=z9hG4bKa", b";branch=")
    (dialog,) = ladder.trace().dialogs
    assert [(t.method, len(t.responses), len(t.ack)) for t in dialog.transactions] == [("INVITE", 3, 1), ("BYE", 1, 0)]


def test_begun_before_and_cut_by_the_end():
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).answer(0, 200).request(0.1, "ACK", branch="b2", tag="t")
    ladder.leg("b", PBX, TRUNK).request(0.2, "BYE", 9, tag="t").answer(0.3, 200, "BYE", 9)
    ladder.leg("c", PBX, TRUNK).request(1, "INVITE").answer(1.1, 100)
    trace = ladder.trace()
    a, b, c = trace.dialogs
    assert a.begun_before_capture
    assert a.transactions[0].request is None
    assert len(a.transactions[0].ack) == 1
    assert b.begun_before_capture
    assert not b.cut_by_end
    assert c.cut_by_end
    assert [call.status for call in trace.calls] == ["in_progress", "completed", "in_progress"]


def test_nothing_came_back_and_the_capture_went_on():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    for at in (0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5):
        leg.request(at, "INVITE")
    assert ladder.trace(end=40.0).calls[0].status == "no_response"
    assert not ladder.trace(end=40.0).one_sided
    assert ladder.trace(end=31.6).calls[0].status == "unknown"


def test_one_side_of_a_call_alone():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0, "INVITE").request(2, "ACK", branch="b2", tag="t").request(9, "BYE", 2, branch="b3", tag="t")
    assert ladder.trace().one_sided


def test_late_offer_and_forked_answers():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0, "INVITE").answer(1, 200, body=sdp("198.51.100.7", 1))
    leg.request(1.1, "ACK", branch="b2", tag="t", body=sdp("192.168.1.5", 2))
    (exchange,) = ladder.trace().dialogs[0].exchanges
    assert (exchange.offer.status, exchange.answer.method) == (200, "ACK")
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0, "INVITE", body=sdp("192.168.1.5", 2)).answer(0.5, 183, tag="x", body=sdp("198.51.100.7", 1))
    leg.answer(0.7, 183, tag="y", body=sdp("198.51.100.8", 1)).answer(1, 200, tag="y", body=sdp("198.51.100.8", 1))
    dialog = ladder.trace().dialogs[0]
    assert [e.answer.to_tag for e in dialog.exchanges] == ["x", "y"]
    assert dialog.to_tags == ("x", "y")


def test_offers_in_prack_update_and_reinvite():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    leg.request(0, "INVITE").answer(0.5, 183, body=sdp("198.51.100.7", 1), headers="Require: 100rel\r\nRSeq: 1\r\n")
    leg.request(0.6, "PRACK", 2, branch="p", tag="t", body=sdp("192.168.1.5", 3)).answer(
        0.7, 200, "PRACK", 2, branch="p"
    )
    leg.request(0.8, "UPDATE", 3, branch="u", tag="t", body=sdp("192.168.1.5", 4))
    leg.answer(0.9, 200, "UPDATE", 3, branch="u", body=sdp("198.51.100.7", 5)).answer(1, 200).request(
        1.1, "ACK", branch="k", tag="t"
    )
    leg.request(5, "INVITE", 9, branch="r", back=True, body=sdp("198.51.100.7", 6))
    leg.answer(5.1, 488, "INVITE", 9, branch="r", back=True)
    found = ladder.trace().dialogs[0].exchanges
    ports = [(e.offer_sdp.media[0].port, e.answer_sdp.media[0].port if e.answer_sdp else None) for e in found]
    assert ports == [(1, 3), (4, 5), (6, None)]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("REGISTER", "registration"),
        ("OPTIONS", "options"),
        ("SUBSCRIBE", "subscription"),
        ("MESSAGE", "message"),
        ("FOO", "other"),
    ],
)
def test_kinds(method, kind):
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).request(0, method).answer(0.1, 200, method)
    (call,) = ladder.trace().calls
    assert (call.kind, call.status, call.final_status) == (kind, "completed", 200)


def test_a_log_without_addresses_and_times():
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).call(0.0)
    for raw in ladder.raw:
        raw.src = raw.dst = None
        raw.source = "text"
    trace = ladder.trace()
    assert [d.caller for d in trace.dialogs] == [None]
    assert trace.calls[0].status == "completed"
    for raw in ladder.raw:
        raw.time = None
    (call,) = build_trace(trace.capture, trace.media, trace.options).calls
    assert (call.status, call.started, call.ended_by) == ("completed", None, "caller")


def test_the_next_target_with_the_same_call_id_decides():
    ladder = Ladder()
    ladder.leg("a", PBX, TRUNK).request(0, "INVITE").answer(1, 503).request(1.1, "ACK", tag="t")
    ladder.leg("a", PBX, ("198.51.100.8", 5060)).call(2)
    (call,) = ladder.trace().calls
    assert (len(call.dialogs), call.status, call.final_status) == (2, "completed", 200)


def test_agents_of_hep_on_two_machines_see_one_message():
    ladder = Ladder()
    leg = ladder.leg("a", PBX, TRUNK)
    for at, agent in ((0, "1"), (0.04, "2"), (0.5, "1"), (0.54, "2")):
        leg.request(at, "INVITE", source="hep", capture_point=agent, link=LinkFacts())
    trace = ladder.trace()
    assert [m.duplicate_of for m in trace.messages] == [None, 0, None, 2]
    assert len(trace.dialogs[0].transactions[0].requests) == 2
