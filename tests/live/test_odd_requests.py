"""Requests that decent clients do not send, or send too often: each gets one answer, and none harms a call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_carrier import DemoCarrier, complaints
from live_node import LiveNode
from raw_sip import RawCaller

ECHO = "+15550100000"

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        ("SUBSCRIBE", 405),
        ("PUBLISH", 405),
        ("MESSAGE", 405),
        ("NOTIFY", 405),
        ("FOO", 405),
        ("BYE", 481),
        ("UPDATE", 481),
        ("PRACK", 481),
    ],
)
def test_other_methods_get_an_answer(node: LiveNode, method: str, status: int) -> None:
    with RawCaller(node) as caller:
        tag = ";tag=unknown" if status == 481 else ""
        caller.send(caller.request(method, f"sip:{node.host}:{node.sip_port}", to=f"<sip:x@{node.host}>{tag}"))
        answer = caller.final()
    assert answer.sip_status == status, answer
    assert status != 405 or "INVITE" in answer.first("Allow")


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_too_many_hops(node: LiveNode, method: str) -> None:
    with RawCaller(node) as caller:
        caller.send(caller.request(method, f"sip:{node.host}:{node.sip_port}", max_forwards=0))
        answer = caller.final()
    assert answer.sip_status == 483, answer
    assert answer.first("X-Twilio-Error").startswith("32006")


# ---- one call, one record -------------------------------------------------------------------------------------------


def test_retransmissions_make_one_call(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        invite = caller.authorized(trunk, ECHO)
        for _ in range(4):
            caller.send(invite)
        answer = caller.final()
        assert answer.sip_status == 200
        uri = f"sip:{ECHO}@{trunk.domain_name}"
        for _ in range(3):
            caller.send(caller.ack(answer, uri))
        caller.send(invite)
        bye = caller.bye(answer)
        for _ in range(4):
            caller.send(bye)
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"], len(record["attempts"])) == ("completed", "caller", 1)
    assert carrier.times(caller.call_id) == 1
    assert carrier.took(caller.call_id).ended_by == "caller"
    assert complaints(node, caller.call_id) == []


# ---- requests of strangers ------------------------------------------------------------------------------------------


def test_a_stranger_cannot_end_the_call(node: LiveNode, carrier: DemoCarrier) -> None:
    """Who knows Call-ID and tags, but not the Contact that we gave, ends nothing."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller, RawCaller(node) as stranger:
        answer = caller.invite(trunk, ECHO)
        stranger.call_id, stranger.tag, stranger.cseq = caller.call_id, caller.tag, caller.cseq
        own = answer.first("Contact")
        sealed = own.partition("tl=")[2].partition(">")[0]
        forged = [
            f"<sip:{node.host}:{node.sip_port}>",
            own.replace(sealed, ""),
            own.replace(sealed, sealed[:-8] + ("A" if sealed[-8] != "A" else "B") + sealed[-7:]),
            own.replace(sealed, "A" * 32 + sealed[32:]),
            own.replace(sealed, sealed[:34]),
        ]
        for contact in forged:
            known = replace(answer, headers=tuple((n, contact if n == "Contact" else v) for n, v in answer.headers))
            stranger.send(stranger.bye(known, route=f"Route: <sip:{node.host}:{node.sip_port};lr>\r\n"))
            assert stranger.final().sip_status == 481, contact
        # With the right Contact, but in another call's name.
        stranger.send(stranger.bye(answer, call_id="another"))
        assert stranger.final().sip_status == 481
        # The call is still up: its own BYE reaches the carrier, and gets the carrier's answer.
        assert carrier.saw(caller.call_id).ended is False
        caller.cseq += 20
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["ended_by"]) == ("completed", "caller")
    assert carrier.took(caller.call_id).ended_by == "caller"
    assert not [line for line in complaints(node, caller.call_id) if "error" in line]


def test_a_transfer_is_refused_and_the_call_goes_on(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        answer = caller.invite(trunk, ECHO)
        caller.cseq += 1
        caller.send(caller.in_dialog("REFER", answer, headers="Refer-To: <sip:+15550100440@example.com>\r\n"))
        refused = caller.final()
        assert refused.sip_status == 403, refused
        assert refused.first("X-Twilio-Error").startswith("32218 ")
        assert carrier.saw(caller.call_id).ended is False
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert record["status"] == "completed"
    (alert,) = record["alerts"]
    assert (alert["error_code"], alert["log_level"]) == (32218, "error")
    assert f"between {trunk.number} and {ECHO}" in alert["alert_text"]
    (published,) = [row for row in node.api.alerts(most=100) if row["resource_sid"] == record["sid"]]
    assert (published["error_code"], published["service_sid"]) == ("32218", trunk.sid)


# ---- bytes that are not UTF-8 ---------------------------------------------------------------------------------------


def test_broken_bytes_where_no_decision_hangs_on_them(node: LiveNode) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        invite = caller.authorized(trunk, ECHO, headers="Subject: \xff\xfe\r\nUser-Agent: P\xe9riph\xc3\r\n")
        invite = invite.replace(b"From: <", b'From: "J\xfcrgen" <')
        caller.send(invite)
        answer = caller.final()
        assert answer.sip_status == 200, answer
        caller.send(caller.ack(answer, ""))
        caller.send(caller.bye(answer, headers='Reason: Q.850;cause=16;text="\xff"\r\n'))
        assert caller.final().sip_status == 200
        record = node.record(caller.call_id)
    assert (record["status"], record["user_agent"], record["q850_cause"]) == ("completed", "P\ufffdriph\ufffd", 16)


@pytest.mark.parametrize("where", ["ruri", "from", "call-id", "tag", "authorization", "identity"])
def test_broken_bytes_where_a_decision_hangs_on_them(node: LiveNode, where: str) -> None:
    trunk = node.make_trunk()
    user, bad = ECHO, "\xff\xfe"
    uri = f"sip:{user}{bad if where == 'ruri' else ''}@{trunk.domain_name}"
    with RawCaller(node) as caller:
        headers = {
            "authorization": f'Proxy-Authorization: Digest username="{bad}"\r\n',
            "identity": f"P-Asserted-Identity: <sip:{bad}@example.com>\r\n",
        }.get(where, "")
        caller.send(
            caller.request(
                "INVITE",
                uri,
                headers=headers,
                caller=f"sip:+1555{bad if where == 'from' else ''}@example.com",
                tag=bad if where == "tag" else None,
                call_id=f"{caller.call_id}{bad}" if where == "call-id" else None,
            )
        )
        answer = caller.final()
    assert answer.sip_status == 400, answer
    assert "Traceback" not in node.settings.log_file.read_text()


@pytest.mark.parametrize(
    "smuggled", ["\rP-Asserted-Identity: <sip:+15550009999@x>", "\r\rX-Twilio-CallSid: CA1", "a\0b"]
)
def test_a_line_that_only_the_next_hop_would_see(node: LiveNode, carrier: DemoCarrier, smuggled: str) -> None:
    """A bare CR ends a line for PJSIP, and thus for Asterisk: what stands behind it has passed no check of ours."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        for extra in ("", "Subject: J\xfcrgen\r\n"):
            caller.send(caller.authorized(trunk, ECHO, headers=f"{extra}X-Customer: 1{smuggled}\r\n"))
            answer = caller.final()
            assert answer.sip_status == 400, answer
            record = node.record(caller.call_id)
            assert (record["cause"], record["attempts"]) == ("MALFORMED_REQUEST", [])
            caller.new_call()
        assert caller.invite(trunk, ECHO, headers="X-Customer: 1\r\n\tand 2\r\n").sip_status == 200
        caller.send(caller.bye(caller.final()))
        assert caller.final().sip_status == 200
