"""A customer with a valid password who wants more than a trunk sells: another's number, our routes, unrecorded talk."""

from __future__ import annotations

import secrets

import pytest
from demo_carrier import DemoCarrier
from live_node import LiveNode, wait_for
from raw_sip import RawCaller, sdp

ECHO, BUSY = "+15550100000", "+15550100486"
FOREIGN = "+12025550199"

pytestmark = pytest.mark.live


def with_type(request: bytes, content_type: str) -> bytes:
    return request.replace(b"application/sdp\r\nContent-Length", f"{content_type}\r\nContent-Length".encode(), 1)


def test_a_carrier_hears_of_no_other_caller_and_no_other_route(node: LiveNode, carrier: DemoCarrier) -> None:
    """From is checked; what else the customer asserts must not go to the carrier beside it."""
    trunk = node.make_trunk()
    identities = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "p-asserted-identity")
    forged = "".join(f"{name}: <sip:{FOREIGN}@example.com>\r\n" for name in identities)
    forged += f"Route: <sip:{node.host}:{node.sip_port};lr>\r\nRoute: <sip:192.0.2.1;lr>\r\n"
    forged += "x-twilio-CallSid: forged\r\n"
    with RawCaller(node) as caller:
        assert caller.invite(trunk, BUSY, headers=forged).sip_status == 486
        seen = carrier.took(caller.call_id)
    assert seen.asserted_identity == f"<sip:{trunk.number}@{node.host}>"
    names = [name.lower() for name, _ in seen.headers]
    assert names.count("p-asserted-identity") == 1
    assert not {"route", "remote-party-id", "p-preferred-identity", "x-twilio-callsid"} & set(names)
    assert FOREIGN not in str(seen.headers)


def test_a_call_is_forwarded_from_numbers_of_the_account_alone(node: LiveNode, carrier: DemoCarrier) -> None:
    """In our name; what was forwarded in somebody else's network before stays, without that network's address."""
    trunk = node.make_trunk()
    own, theirs = f"<sip:{trunk.number}@{trunk.domain_name}>;reason=unconditional", "<sip:+4930123456@pbx.example>"
    forged = f"Diversion: <sip:{FOREIGN}@{trunk.domain_name}>\r\nDiversion: <sip:{FOREIGN}@{node.host}>\r\n"
    with RawCaller(node) as caller:
        assert caller.invite(trunk, BUSY, headers=forged).sip_status == 486
        assert carrier.took(caller.call_id).header("Diversion") is None
        caller.new_call()
        assert caller.invite(trunk, BUSY, headers=f"Diversion: \xff\r\n{forged}").sip_status == 486
        assert carrier.took(caller.call_id).header("Diversion") is None
        caller.new_call()
        headers = f"Diversion: {theirs}, {own}\r\n{forged}"
        assert caller.invite(trunk, BUSY, headers=headers).sip_status == 486
        seen = [value for name, value in carrier.took(caller.call_id).headers if name == "Diversion"]
        assert seen == [f"<sip:+4930123456@{node.host}>", f"<sip:{trunk.number}@{node.host}>;reason=unconditional"]


def test_a_from_without_a_user_takes_the_asserted_number(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        asserted = f"P-Asserted-Identity: <sip:{trunk.number}@pbx>\r\n"
        assert caller.invite(trunk, BUSY, caller="sip:pbx.example.com", headers=asserted).sip_status == 486
        assert f"<sip:{trunk.number}@{node.host}>" in carrier.took(caller.call_id).from_header


def test_a_bye_goes_to_the_other_side_and_nowhere_else(node: LiveNode, carrier: DemoCarrier) -> None:
    """A customer that lets its BYE go to itself would end the record, and talk on: the carrier knows nothing."""
    trunk, elsewhere = node.make_trunk(), "sip:x@127.0.0.1:9"
    with RawCaller(node) as caller:
        answer = caller.invite(trunk, ECHO)
        right = answer.first("Contact").strip("<>").encode()
        caller.send(caller.bye(answer).replace(right, elsewhere.encode(), 1))
        assert caller.final().sip_status == 481
        assert not carrier.saw(caller.call_id).ended
        caller.send(caller.bye(answer, route=f"Route: <{elsewhere};lr>\r\n"))
        assert caller.final().sip_status == 200
        wait_for(lambda: carrier.saw(caller.call_id).ended, "the end of the call at the carrier")
        assert node.record(caller.call_id)["status"] == "completed"
        for method in ("INVITE", "UPDATE"):
            caller.cseq += 1
            caller.send(caller.in_dialog(method, answer, body=sdp()))
            assert caller.final().sip_status == 481, method


def test_a_bye_that_belongs_to_no_dialog_ends_the_media_for_good(node: LiveNode) -> None:
    """With another tag than the callee's, but with the leg that is sealed for the caller."""
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        answer = caller.invite(trunk, ECHO)
        caller.send(caller.bye(answer, to=answer.first("To") + "x"))
        caller.final()
        caller.cseq += 1
        caller.send(caller.in_dialog("INVITE", answer, body=sdp()))
        assert caller.final().sip_status == 481
        caller.send(caller.bye(answer))
        caller.final()


def test_a_running_call_takes_a_re_invite(node: LiveNode) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        answer = caller.invite(trunk, ECHO)

        def taken() -> bool:
            caller.cseq += 1
            again = caller.reinvite(caller.in_dialog("INVITE", answer, body=sdp()))
            caller.send(caller.in_dialog("ACK", again))
            # 491: the callee has not seen the ACK of the first INVITE yet, or changes something itself (RFC 3261 14.1).
            assert again.sip_status in (200, 491)
            return again.sip_status == 200

        wait_for(taken, "the answer to a re-INVITE", within=8.0)
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200


def test_no_sdp_passes_the_media_relay_by(node: LiveNode, carrier: DemoCarrier) -> None:
    trunk = node.make_trunk()
    with RawCaller(node) as caller:
        boundary = secrets.token_hex(4)
        before, after = f"--{boundary}\r\nContent-Type: application/sdp\r\n\r\n", f"--{boundary}--\r\n"
        body = before.encode() + sdp() + after.encode()
        invite = caller.authorized(trunk, ECHO, body=body)
        caller.send(with_type(invite, f"multipart/mixed;boundary={boundary}"))
        answer = caller.final(within=10)
        assert answer.sip_status == 200, answer
        caller.send(caller.ack(answer, ""))
        assert "m=audio 9 " not in answer.body
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200
        caller.new_call()
        caller.send(with_type(caller.authorized(trunk, ECHO), "text/plain"))
        answer = caller.final()
        assert (answer.sip_status, answer.first("Accept")) == (415, "application/sdp")
        assert carrier.saw(caller.call_id) is None


def test_a_cancel_of_nothing_is_told_so(node: LiveNode) -> None:
    with RawCaller(node) as caller:
        caller.send(caller.request("CANCEL", f"sip:{ECHO}@{node.host}:{node.sip_port}"))
        assert caller.final().sip_status == 481
