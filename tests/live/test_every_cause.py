"""Every row of the table of causes is reached by a SIP message: the answer, the record, and the alert by the API."""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from demo_carrier import BUSY, DemoCarrier, add_url
from live_node import LiveNode, LiveTrunk, free_ports, wait_for
from plain_sip import Credentials, PlainSip, own_address
from raw_sip import RawCaller, sdp

from trunkline.api.client import View
from trunkline.core.cause import Cause
from trunkline.core.edge_bye import CSEQ
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.sip_text import SipText, parse_sip

pytestmark = pytest.mark.live

CARRIER = "127.0.5.60"
"""Where the demo's simulated carrier is: what comes from there is origination."""
ECHO = "+15550100000"


@dataclass
class Reached:
    """What came of a message."""

    sip: SipText
    call_id: str | None = None
    """None: no call, so no record."""
    service_sid: str | None = None
    """Of an alert that is about no call."""


class Stage:
    """The node, and who may speak to it."""

    def __init__(self, node: LiveNode, carrier: DemoCarrier, closing: ExitStack) -> None:
        self.node, self.carrier, self.closing = node, carrier, closing

    def sip(self, source: str = "127.0.0.1") -> PlainSip:
        return self.closing.enter_context(PlainSip(self.node.host, self.node.sip_port, source=source))

    def call(self, trunk: LiveTrunk, called: str = BUSY, **changes: Any) -> Reached:
        fields: dict[str, Any] = {
            "caller": trunk.number,
            "credentials": Credentials(trunk.username, trunk.password),
            **changes,
        }
        reply = self.sip().invite(f"sip:{called}@{trunk.domain_name}", **fields)
        return Reached(reply.sip, reply.call_id)

    def from_carrier(self, called: str) -> Reached:
        reply = self.sip(CARRIER).invite(f"sip:{called}@{self.node.host}:{self.node.sip_port}", caller="+12025550123")
        return Reached(reply.sip, reply.call_id)

    def tenant(self, **settings: Any) -> tuple[LiveTrunk, Any]:
        api = self.node.make_account(**settings)
        return self.node.make_trunk(api=api), api


def unknown_trunk(stage: Stage) -> Reached:
    reply = stage.sip().invite(f"sip:{BUSY}@nobody-{secrets.token_hex(3)}.pstn.twilio.com")
    return Reached(reply.sip, reply.call_id)


def global_endpoint_ambiguous(stage: Stage) -> Reached:
    address = own_address()
    for _ in range(2):
        stage.node.make_trunk(credentials=False, acl=address)
    reply = stage.sip(address).invite(f"sip:{BUSY}@pstn.twilio.com")
    return Reached(reply.sip, reply.call_id)


def no_authentication(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(credentials=False), credentials=None)


def source_not_in_acl(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(credentials=False, acl=own_address()), credentials=None)


def bad_credentials(stage: Stage) -> Reached:
    trunk = stage.node.make_trunk()
    return stage.call(trunk, credentials=Credentials(trunk.username, "Wrong1Password"))


def account_inactive(stage: Stage) -> Reached:
    trunk, api = stage.tenant()
    stage.node.set_account(api, Status="suspended")
    return stage.call(trunk)


def no_funds(stage: Stage) -> Reached:
    trunk, _ = stage.tenant(Billing="prepaid", Balance="0")
    return stage.call(trunk)


def spending_cap(stage: Stage) -> Reached:
    """One call of a begun minute, at a rate that is the cap."""
    trunk, _ = stage.tenant(DailySpendCap="1.00", DefaultRate="1.00")
    assert stage.call(trunk, ECHO).sip.sip_status == 200
    reached: list[Reached] = []

    def refused() -> bool:
        reached.append(stage.call(trunk))
        return reached[-1].sip.sip_status == 403

    wait_for(refused, "the cap")
    return reached[-1]


def origination_account_inactive(stage: Stage) -> Reached:
    trunk, api = stage.tenant()
    stage.node.set_account(api, Status="suspended")
    return stage.from_carrier(trunk.number)


def tls_required(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(secure=True))


def srtp_required(stage: Stage) -> Reached:
    """By TLS, with an offer of plain RTP."""
    address = own_address()
    trunk = stage.node.make_trunk(secure=True, credentials=False, acl=address)
    return _by_tls(stage, trunk, address)


def _by_tls(stage: Stage, trunk: LiveTrunk, address: str, hops: int = 70) -> Reached:
    """An INVITE without credentials."""
    call_id, body = secrets.token_hex(8), sdp(address).decode()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = stage.closing.enter_context(socket.socket())
    plain.bind((address, 0))
    plain.connect((stage.node.host, stage.node.tls_port))
    tls = stage.closing.enter_context(context.wrap_socket(plain))
    tls.settimeout(5)
    here = f"{address}:{plain.getsockname()[1] if plain.fileno() >= 0 else tls.getsockname()[1]}"
    tls.sendall(
        (
            f"INVITE sip:{BUSY}@{trunk.domain_name} SIP/2.0\r\nVia: SIP/2.0/TLS {here};branch=z9hG4bK{call_id}\r\n"
            f"Max-Forwards: {hops}\r\nFrom: <sip:{trunk.number}@{here}>;tag=1\r\n"
            f"To: <sip:{BUSY}@{trunk.domain_name}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{here};transport=tls>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
    )
    while (answer := parse_sip(tls.recv(65535).decode())).sip_status < 200:
        pass
    return Reached(answer, call_id)


def srtp_not_allowed(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), srtp=True)


def number_not_e164(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), "0044207123")


def emergency_not_enabled(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), "112")


def short_code(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), "411")


def destination_closed(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), "+881612345678")


def caller_id_invalid(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), caller="anonymous")


def caller_id_not_owned(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), caller="+15550007777")


def caller_id_replaced(stage: Stage) -> Reached:
    trunk = stage.node.make_trunk()
    settings = {"CallerIdPolicy": "replace", "DefaultCallerId": trunk.number}
    stage.node.api.post(f"/trunkline/v1/Trunks/{trunk.sid}", **settings)
    stage.node.wait_published()
    return stage.call(trunk, caller="+15550007777")


def register_refused(stage: Stage) -> Reached:
    trunk = stage.node.make_trunk()
    reply = stage.sip().register(trunk.domain_name, trunk.username)
    return Reached(reply.sip, None, trunk.sid)


def method_not_allowed(stage: Stage) -> Reached:
    with RawCaller(stage.node) as caller:
        caller.send(caller.request("SUBSCRIBE", f"sip:{BUSY}@pstn.twilio.com"))
        return Reached(caller.final())


def malformed_request(stage: Stage) -> Reached:
    with RawCaller(stage.node) as caller:
        trunk = stage.node.make_trunk()
        uri = f"sip:{BUSY}@{trunk.domain_name}"
        caller.send(caller.request("INVITE", uri, headers="Proxy-Authorization: Digest username=\r\n", body=sdp()))
        return Reached(caller.final(), caller.call_id)


def too_many_hops(stage: Stage) -> Reached:
    return _invite_as_it_is(stage, max_forwards=0)


def cseq_too_high(stage: Stage) -> Reached:
    return _invite_as_it_is(stage, cseq=CSEQ)


def message_too_long(stage: Stage) -> Reached:
    return _invite_as_it_is(stage, headers=f"X-Padding: {'x' * 24_000}\r\n")


def body_not_taken(stage: Stage) -> Reached:
    return _invite_as_it_is(stage, kind=b"text/plain")


def _invite_as_it_is(stage: Stage, kind: bytes = b"application/sdp", **changes: Any) -> Reached:
    """Refused before anybody is asked for a password; the host says whose it is."""
    trunk = stage.node.make_trunk()
    with RawCaller(stage.node) as caller:
        invite = caller.request("INVITE", f"sip:{BUSY}@{trunk.domain_name}", body=sdp(), **changes)
        caller.send(invite.replace(b"application/sdp", kind))
        return Reached(caller.final(changes.get("cseq")), caller.call_id)


def transfer_refused(stage: Stage) -> Reached:
    """Twice, and the call goes on."""
    with RawCaller(stage.node) as caller:
        answer = caller.invite(stage.node.make_trunk(), ECHO)
        for _ in range(2):
            caller.cseq += 1
            caller.send(caller.in_dialog("REFER", answer, headers="Refer-To: <sip:+15550100440@example.com>\r\n"))
            refused = caller.final()
        caller.send(caller.bye(answer))
        assert caller.final().sip_status == 200
        return Reached(refused, caller.call_id)


def no_common_codec(stage: Stage) -> Reached:
    """An offer of G.722 alone, to a callee that takes G.711 alone."""
    trunk = stage.node.make_trunk()
    offer = sdp().replace(b"RTP/AVP 0 101", b"RTP/AVP 9 101")
    with RawCaller(stage.node) as caller:
        return Reached(caller.invite(trunk, "+15550130488", body=offer), caller.call_id)


def trunk_cps_limit(stage: Stage) -> Reached:
    return _second_call_of(stage, stage.node.make_trunk(CpsLimit="0.1"))


def account_cps_limit(stage: Stage) -> Reached:
    return _second_call_of(stage, stage.tenant(CpsLimit="0.1")[0])


def _second_call_of(stage: Stage, trunk: LiveTrunk) -> Reached:
    assert stage.call(trunk).sip.sip_status == 486
    return stage.call(trunk)


def trunk_concurrent_limit(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(ConcurrentCallsLimit="0"))


def account_concurrent_limit(stage: Stage) -> Reached:
    return stage.call(stage.tenant(ConcurrentCallsLimit="0")[0])


def max_duration(stage: Stage) -> Reached:
    """Both sides get a BYE."""
    trunk = stage.node.make_trunk(MaxCallSeconds="1")
    caller = stage.closing.enter_context(RawCaller(stage.node))
    answer = caller.invite(trunk, ECHO)
    bye = caller.wait(lambda message: message.is_request and message.method == "BYE", within=8)
    caller.send(caller.ok(bye))
    assert stage.carrier.took(caller.call_id).ended_by == "caller", "the carrier got its BYE, too"
    return Reached(answer, caller.call_id)


def no_carrier(stage: Stage) -> Reached:
    api, trunk = stage.node.api, stage.node.make_trunk()
    enabled = [row["sid"] for row in api.list("/trunkline/v1/Carriers") if row["enabled"]]
    try:
        for sid in enabled:
            api.post(f"/trunkline/v1/Carriers/{sid}", Enabled="false")
        stage.node.wait_published()
        return stage.call(trunk)
    finally:
        for sid in enabled:
            api.post(f"/trunkline/v1/Carriers/{sid}", Enabled="true")
        stage.node.wait_published()


def carriers_exhausted(stage: Stage) -> Reached:
    return stage.call(stage.node.make_trunk(), "+15550130503")


def unknown_number(stage: Stage) -> Reached:
    return stage.from_carrier("+15559999999")


def number_without_trunk(stage: Stage) -> Reached:
    number = f"+1555{secrets.randbelow(10**7):07d}"
    stage.node.api.post(stage.node.api.account_path("IncomingPhoneNumbers.json"), PhoneNumber=number)
    stage.node.wait_published()
    return stage.from_carrier(number)


def no_origination_url(stage: Stage) -> Reached:
    return stage.from_carrier(stage.node.make_trunk().number)


def origination_exhausted(stage: Stage) -> Reached:
    trunk = stage.node.make_trunk()
    (port,) = free_ports(1)
    add_url(stage.node, trunk, f"sip:127.0.0.1:{port};transport=tcp")
    stage.node.wait_published()
    return stage.from_carrier(trunk.number)


def draining(stage: Stage) -> Reached:
    rpc = KamailioRpc(edge_socket(stage.node.settings))
    rpc.set_draining(True)
    try:
        answer = _invite_as_it_is(stage)
        assert answer.sip.first("Retry-After") == "60"
        return answer
    finally:
        rpc.set_draining(False)


def draining_of_a_carrier(stage: Stage) -> Reached:
    rpc = KamailioRpc(edge_socket(stage.node.settings))
    number = stage.node.make_trunk().number
    rpc.set_draining(True)
    try:
        return stage.from_carrier(number)
    finally:
        rpc.set_draining(False)


CASES: dict[Cause, Callable[[Stage], Reached]] = {
    Cause.UNKNOWN_TRUNK: unknown_trunk,
    Cause.GLOBAL_ENDPOINT_AMBIGUOUS: global_endpoint_ambiguous,
    Cause.NO_AUTHENTICATION: no_authentication,
    Cause.SOURCE_NOT_IN_ACL: source_not_in_acl,
    Cause.BAD_CREDENTIALS: bad_credentials,
    Cause.ACCOUNT_INACTIVE: account_inactive,
    Cause.NO_FUNDS: no_funds,
    Cause.SPENDING_CAP: spending_cap,
    Cause.ORIGINATION_ACCOUNT_INACTIVE: origination_account_inactive,
    Cause.TLS_REQUIRED: tls_required,
    Cause.SRTP_REQUIRED: srtp_required,
    Cause.SRTP_NOT_ALLOWED: srtp_not_allowed,
    Cause.NUMBER_NOT_E164: number_not_e164,
    Cause.EMERGENCY_NOT_ENABLED: emergency_not_enabled,
    Cause.SHORT_CODE: short_code,
    Cause.DESTINATION_CLOSED: destination_closed,
    Cause.CALLER_ID_INVALID: caller_id_invalid,
    Cause.CALLER_ID_NOT_OWNED: caller_id_not_owned,
    Cause.CALLER_ID_REPLACED: caller_id_replaced,
    Cause.REGISTER_REFUSED: register_refused,
    Cause.METHOD_NOT_ALLOWED: method_not_allowed,
    Cause.MALFORMED_REQUEST: malformed_request,
    Cause.TOO_MANY_HOPS: too_many_hops,
    Cause.CSEQ_TOO_HIGH: cseq_too_high,
    Cause.MESSAGE_TOO_LONG: message_too_long,
    Cause.BODY_NOT_TAKEN: body_not_taken,
    Cause.TRANSFER_REFUSED: transfer_refused,
    Cause.NO_COMMON_CODEC: no_common_codec,
    Cause.TRUNK_CPS_LIMIT: trunk_cps_limit,
    Cause.ACCOUNT_CPS_LIMIT: account_cps_limit,
    Cause.TRUNK_CONCURRENT_LIMIT: trunk_concurrent_limit,
    Cause.ACCOUNT_CONCURRENT_LIMIT: account_concurrent_limit,
    Cause.MAX_DURATION: max_duration,
    Cause.NO_CARRIER: no_carrier,
    Cause.CARRIERS_EXHAUSTED: carriers_exhausted,
    Cause.UNKNOWN_NUMBER: unknown_number,
    Cause.NUMBER_WITHOUT_TRUNK: number_without_trunk,
    Cause.NO_ORIGINATION_URL: no_origination_url,
    Cause.ORIGINATION_EXHAUSTED: origination_exhausted,
    Cause.ORIGINATION_ATTEMPT_FAILED: origination_exhausted,
    Cause.DRAINING: draining,
}
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


def test_too_many_hops_by_tls_leave_a_record_too(node: LiveNode, carrier: DemoCarrier) -> None:
    """The TLS front, which has no records, leaves it to the edge."""
    address = own_address()
    trunk = node.make_trunk(credentials=False, acl=address)
    with ExitStack() as closing:
        reached = _by_tls(Stage(node, carrier, closing), trunk, address, hops=0)
    _check_answer(Cause.TOO_MANY_HOPS, reached.sip)
    assert reached.call_id is not None
    record = node.record(reached.call_id)
    _check_record(Cause.TOO_MANY_HOPS, record)
    assert record["source_address"].startswith(f"tls:{address}:")


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
