"""Every row of the table of causes is reached by a SIP message: the answer, the record, and the alert by the API."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from cause_messages import CASES, Stage, by_tls, draining_of_a_carrier, invite_as_it_is
from demo_carrier import BUSY, DemoCarrier
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import own_address
from raw_sip import RawCaller, sdp

from trunkline.api.client import View
from trunkline.core.cause import Cause
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

GOES_ON = {Cause.CALLER_ID_REPLACED: 486, Cause.MAX_DURATION: 200}
"""Alerts of calls that were not refused: what the sender got."""
WITHIN_A_CALL = frozenset((Cause.TRANSFER_REFUSED,))
"""Refusals of a request within a call, which goes on."""
ELSEWHERE = {
    "SOURCE_BANNED": "test_bans.py: a ban is no answer",
    "PLATFORM_BUG": "test_hurt_edge.py: a node whose routing data are taken away",
    "EDGE_RESTARTED": "test_hurt_edge.py: the record of a call whose edge was killed",
    "PDD_TIMEOUT": "test_hurt_edge.py: a node that waits a second for what may take a minute",
    "MEDIA_TIMEOUT": "test_lost_bye.py: a node with a short timeout of its own",
    "NO_ACK": "test_lost_bye.py: takes the 32 s of RFC 3261 timer B, or a hand that turns the clock",
    "SRTP_LOST": "test_sdes.py: what the PBX of a secure call says within it",
    "NO_MEDIA_RELAY": "test_lost_bye.py: a media relay that hangs",
    "OVERLOADED": "test_live_overload.py: a node that is made to believe it",
    "SPOOL_FULL": "takes a full disk",
    "CARRIERS_FULL": "test_carrier_hunt.py: a node whose carriers are all played",
    "CARRIER_REFUSES_US": "test_carrier_sides.py: no call's refusal",
    "CARRIER_DOWN": "test_carrier_sides.py: no call's refusal",
    "CARRIER_UP": "test_carrier_sides.py: no call's refusal",
    "CARRIER_REGISTRATION": "test_carrier_sides.py: no call's refusal",
}
"""Not reached here, and why."""


@pytest.mark.parametrize("cause", Cause, ids=lambda cause: cause.name)
def test_a_message_reaches_it(node: LiveNode, carrier: DemoCarrier, cause: Cause) -> None:
    if cause.name in ELSEWHERE:
        pytest.skip(ELSEWHERE[cause.name])
    assert cause in CASES, f"{cause.name} is new: let a message reach it here"
    with ExitStack() as closing:
        reached = CASES[cause](Stage(node, carrier, closing))
    _check_answer(cause, reached.sip)
    if reached.call_id is not None:
        record = node.record(reached.call_id)
        _check_record(cause, record)
        _check_alert(node, cause, list(record["alerts"]), record)
    elif reached.service_sid is not None:
        alerts = wait_for(
            lambda: [row for row in node.api.alerts(most=100) if row["service_sid"] == reached.service_sid], "the alert"
        )
        assert [(row["error_code"], row["log_level"]) for row in alerts] == [(str(cause.code), cause.level)]


def test_a_carrier_is_told_that_the_edge_drains_and_the_number_has_the_record(
    node: LiveNode, carrier: DemoCarrier
) -> None:
    with ExitStack() as closing:
        reached = draining_of_a_carrier(Stage(node, carrier, closing))
    _check_answer(Cause.DRAINING, reached.sip)
    assert reached.call_id is not None
    record = node.record(reached.call_id)
    _check_record(Cause.DRAINING, record)
    _check_alert(node, Cause.DRAINING, list(record["alerts"]), record)
    assert (record["direction"], record["account_sid"]) == ("trunking-originating", node.demo["account_sid"])


def test_too_many_hopsby_tls_leave_a_record_too(node: LiveNode, carrier: DemoCarrier) -> None:
    """The TLS front, which has no records, leaves it to the edge."""
    address = own_address()
    trunk = node.make_trunk(credentials=False, acl=address)
    with ExitStack() as closing:
        reached = by_tls(Stage(node, carrier, closing), trunk, address, hops=0)
    _check_answer(Cause.TOO_MANY_HOPS, reached.sip)
    assert reached.call_id is not None
    record = node.record(reached.call_id)
    _check_record(Cause.TOO_MANY_HOPS, record)
    assert record["source_address"].startswith(f"tls:{address}:")


@pytest.mark.parametrize("wrong", [(b"1 INVITE", b"1 BYE"), (b"Content-Length: ", b"Content-Length: 9")])
def test_a_message_that_contradicts_itself_leaves_a_record(
    node: LiveNode, carrier: DemoCarrier, wrong: tuple[bytes, bytes]
) -> None:
    """Kamailio's own check of sanity refuses it, before anybody is asked whose it is."""
    with ExitStack() as closing:
        reached = invite_as_it_is(Stage(node, carrier, closing), *wrong)
    _check_answer(Cause.MALFORMED_REQUEST, reached.sip)
    assert reached.call_id is not None
    record = node.record(reached.call_id)
    _check_record(Cause.MALFORMED_REQUEST, record)
    _check_alert(node, Cause.MALFORMED_REQUEST, list(record["alerts"]), record)


@pytest.mark.parametrize("cause", [Cause.TOO_MANY_HOPS, Cause.BODY_NOT_TAKEN], ids=lambda cause: cause.name)
def test_of_a_stranger_there_is_no_record(node: LiveNode, cause: Cause) -> None:
    """It gets the same answer."""
    trunk = node.make_trunk()
    with RawCaller(node, source=own_address()) as stranger:
        uri = f"sip:{BUSY}@{trunk.domain_name}"
        hops = 0 if cause is Cause.TOO_MANY_HOPS else 70
        invite = stranger.request("INVITE", uri, body=sdp() + b"x" * 300, max_forwards=hops)
        stranger.send(invite.replace(b"application/sdp", b"text/plain"))
        _check_answer(cause, stranger.final())
        of_stranger = stranger.call_id
        # What stands behind it in the spool is stored after it.
        assert node.record(_invite_after(node, trunk))["cause"] == "TOO_MANY_HOPS"
    assert node.find_records(of_stranger) == []


def _invite_after(node: LiveNode, trunk: LiveTrunk) -> str:
    with RawCaller(node) as caller:
        caller.send(caller.request("INVITE", f"sip:{BUSY}@{trunk.domain_name}", max_forwards=0))
        assert caller.final().sip_status == 483
        return caller.call_id


def _check_answer(cause: Cause, sip: SipText) -> None:
    error = sip.first("X-Twilio-Error")
    if cause in GOES_ON:
        assert (sip.sip_status, error) == (GOES_ON[cause], "")
        return
    if cause is Cause.ORIGINATION_ATTEMPT_FAILED:
        cause = Cause.ORIGINATION_EXHAUSTED
    assert sip.sip_status == cause.sip_status, sip.start_line
    assert sip.sip_reason == cause.reason
    if cause.code is None:
        assert not error
    else:
        assert error.startswith(f"{cause.code} ")
        assert "{" not in error


def _check_record(cause: Cause, record: View) -> None:
    if cause is Cause.CALLER_ID_REPLACED:
        assert record["status"] == "busy"
    elif cause in WITHIN_A_CALL:
        assert (record["status"], record["ended_by"], record["cause"]) == ("completed", "caller", None)
    elif cause is Cause.ORIGINATION_ATTEMPT_FAILED:
        assert record["cause"] == "ORIGINATION_EXHAUSTED"
    else:
        assert (record["cause"], record["error_code"]) == (cause.name, cause.code)
        assert record["ended_by"] == "edge" or cause is Cause.CARRIERS_EXHAUSTED


def _check_alert(node: LiveNode, cause: Cause, shown: list[View], record: View) -> None:
    """In the call's own list, and in the published one, where the account is the node's."""
    if cause.code is None:
        assert shown == []
        return
    mine = [row for row in shown if row["error_code"] == cause.code]
    assert len(mine) == 1, f"alerts {cause.code}: {shown}"
    assert mine[0]["log_level"] == cause.level
    assert "{" not in mine[0]["alert_text"]
    assert "-" not in mine[0]["alert_text"].split(), "a word of the alert was not filled in"
    if record["account_sid"] == node.demo["account_sid"]:
        listed = [row for row in node.api.alerts(most=100) if row["resource_sid"] == record["sid"]]
        assert str(cause.code) in [row["error_code"] for row in listed]
