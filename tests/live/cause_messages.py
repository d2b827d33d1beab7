"""A SIP message for each row of the table of causes."""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from demo_carrier import BUSY, DemoCarrier, add_url
from live_node import LiveNode, LiveTrunk, free_ports, wait_for
from plain_sip import Credentials, PlainSip, own_address
from raw_sip import RawCaller, sdp

from trunkline.core.cause import Cause
from trunkline.core.edge_bye import CSEQ
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.sip_text import SipText, parse_sip

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
    return by_tls(stage, trunk, address)


def by_tls(stage: Stage, trunk: LiveTrunk, address: str, hops: int = 70) -> Reached:
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
    return invite_as_it_is(stage, max_forwards=0)


def cseq_too_high(stage: Stage) -> Reached:
    return invite_as_it_is(stage, cseq=CSEQ)


def message_too_long(stage: Stage) -> Reached:
    return invite_as_it_is(stage, headers=f"X-Padding: {'x' * 24_000}\r\n")


def body_not_taken(stage: Stage) -> Reached:
    return invite_as_it_is(stage, b"application/sdp", b"text/plain")


def invite_as_it_is(stage: Stage, old: bytes = b"", new: bytes = b"", **changes: Any) -> Reached:
    """Refused before anybody is asked for a password; the host says whose it is. `old`: bytes that become `new`."""
    trunk = stage.node.make_trunk()
    with RawCaller(stage.node) as caller:
        invite = caller.request("INVITE", f"sip:{BUSY}@{trunk.domain_name}", body=sdp(), **changes)
        caller.send(invite.replace(old, new) if old else invite)
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
        answer = invite_as_it_is(stage)
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
