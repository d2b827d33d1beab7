"""Who may call: each refusal with its status, its header, its alert and its record, and no call to the carrier."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from demo_carrier import BUSY, DemoCarrier, assert_shows
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import REFUSAL_HEADERS, Credentials, PlainSip, own_address

from trunkline.api.client import ApiClient, View
from trunkline.testbench.pbx import PbxProcess

pytestmark = pytest.mark.live


# ---- each refusal ---------------------------------------------------------------------------------------------------


@dataclass
class Sent:
    """What a case sends."""

    host: str
    """Of the Request-URI."""
    caller: str
    credentials: Credentials | None = None
    called: str = BUSY
    srtp: bool = False
    trunk_sid: str | None = None
    account_sid: str | None = None
    api: ApiClient | None = None
    """Who reads the alert where it is not the node's own account."""
    before_reading: Callable[[], object] = field(default=lambda: None)
    """A suspended account must be active again to read its alerts."""


def of_trunk(node: LiveNode, trunk: LiveTrunk, **changes: Any) -> Sent:
    account = node.demo["account_sid"]
    fields: dict[str, Any] = {
        "credentials": Credentials(trunk.username, trunk.password),
        "trunk_sid": trunk.sid,
        "account_sid": account,
    }
    return Sent(trunk.domain_name, trunk.number, **{**fields, **changes})


def wrong_password(node: LiveNode) -> Sent:
    trunk = node.make_trunk()
    return of_trunk(node, trunk, credentials=Credentials(trunk.username, "Wrong1Password"))


def unknown_user(node: LiveNode) -> Sent:
    return of_trunk(node, node.make_trunk(), credentials=Credentials("mallory", "Wrong1Password"))


def address_not_listed(node: LiveNode) -> Sent:
    return of_trunk(node, node.make_trunk(credentials=False, acl=own_address()), credentials=None)


def no_authentication(node: LiveNode) -> Sent:
    return of_trunk(node, node.make_trunk(credentials=False), credentials=None)


def unknown_label(_: LiveNode) -> Sent:
    return Sent(f"nobody-{secrets.token_hex(4)}.pstn.twilio.com", "+15550009999")


def foreign_host(_: LiveNode) -> Sent:
    return Sent("sip.example.com", "+15550009999")


def without_plus(node: LiveNode) -> Sent:
    return of_trunk(node, node.make_trunk(), called=BUSY[1:])


def foreign_caller_id(node: LiveNode) -> Sent:
    sent = of_trunk(node, node.make_trunk())
    sent.caller = "+15550007777"
    return sent


def caller_id_without_number(node: LiveNode) -> Sent:
    sent = of_trunk(node, node.make_trunk())
    sent.caller = "reception"
    return sent


def plain_on_secure_trunk(node: LiveNode) -> Sent:
    return of_trunk(node, node.make_trunk(secure=True))


def srtp_on_plain_trunk(node: LiveNode) -> Sent:
    return of_trunk(node, node.make_trunk(), srtp=True)


def _tenant(node: LiveNode, **settings: Any) -> Sent:
    """A tenant with a trunk, and its own API client."""
    api = node.make_account(**settings)
    return of_trunk(node, node.make_trunk(api=api), account_sid=api.account_sid, api=api)


def suspended_account(node: LiveNode) -> Sent:
    sent = _tenant(node)
    assert sent.api is not None
    api = sent.api
    node.set_account(api, Status="suspended")
    sent.before_reading = lambda: node.set_account(api, Status="active")
    return sent


def closed_account(node: LiveNode) -> Sent:
    sent = _tenant(node)
    assert sent.api is not None
    node.set_account(sent.api, Status="closed")
    sent.api = None  # nobody can log in there any more; the operator reads the call's alerts
    return sent


def no_funds(node: LiveNode) -> Sent:
    return _tenant(node, Billing="prepaid", Balance="0")


@dataclass(frozen=True)
class Refusal:
    make: Callable[[LiveNode], Sent]
    status: int
    reason: str
    header: str
    """X-Twilio-Error; {user} {host} {caller} {called} {source} are what the sender sent."""
    cause: str
    level: str = "error"
    alert: str = ""
    """Words of the alert's text; the same names, {trunk} and {account} besides."""

    @property
    def code(self) -> int:
        return int(self.header.split(" ", 1)[0])


_NOBODY = "32200 Insufficient permissions: no trunk takes calls for {host} from {source}"
_CREDENTIALS = "32202 Authentication failure - bad user credentials: user name {user}"
REFUSALS = (
    Refusal(wrong_password, 403, "Forbidden", _CREDENTIALS, "BAD_CREDENTIALS", alert="{trunk}: the password is wrong"),
    Refusal(
        unknown_user, 403, "Forbidden", _CREDENTIALS, "BAD_CREDENTIALS", alert="{trunk}: there is no such user name"
    ),
    Refusal(
        address_not_listed,
        403,
        "Forbidden",
        "32201 Authentication failure - source IP Address not in ACL: {source}",
        "SOURCE_NOT_IN_ACL",
        alert="in no IP access control list of trunk {trunk}",
    ),
    Refusal(
        no_authentication,
        403,
        "Forbidden",
        _NOBODY,
        "NO_AUTHENTICATION",
        alert="{trunk} has neither an IP access control list nor a credential list",
    ),
    Refusal(unknown_label, 403, "Forbidden", _NOBODY, "UNKNOWN_TRUNK", alert="<trunk label>.pstn.twilio.com"),
    Refusal(foreign_host, 403, "Forbidden", _NOBODY, "UNKNOWN_TRUNK", alert="{host} names no trunk"),
    Refusal(
        without_plus,
        400,
        "Invalid phone number",
        "32101 Invalid phone number: {called} is not +E.164",
        "NUMBER_NOT_E164",
        "warning",
        alert="Did you mean +{called}?",
    ),
    Refusal(
        foreign_caller_id,
        403,
        "Invalid Caller ID",
        "32204 Invalid Caller ID: {caller} is neither a number nor a verified caller ID of the account",
        "CALLER_ID_NOT_OWNED",
        alert="caller ID {caller} is neither a phone number nor a verified caller ID of account {account}",
    ),
    Refusal(
        caller_id_without_number,
        403,
        "Invalid Caller ID",
        "32206 Invalid Caller ID: {caller} is not +E.164",
        "CALLER_ID_INVALID",
        alert="Neither From ({caller})",
    ),
    Refusal(
        suspended_account,
        403,
        "Forbidden",
        "10001 Account is not active",
        "ACCOUNT_INACTIVE",
        alert="{account} is suspended",
    ),
    Refusal(
        closed_account, 403, "Forbidden", "10001 Account is not active", "ACCOUNT_INACTIVE", alert="{account} is closed"
    ),
    Refusal(
        no_funds, 403, "Forbidden", "10001 Account is not active: no funds", "NO_FUNDS", alert="balance is used up"
    ),
    Refusal(
        plain_on_secure_trunk,
        488,
        "Secure SIP transport required",
        "32209 Secure SIP transport required: the call came over UDP",
        "TLS_REQUIRED",
        alert="{trunk} is secure",
    ),
    Refusal(
        srtp_on_plain_trunk,
        488,
        "Not Acceptable Here",
        "32207 SRTP not allowed: the offer says RTP/SAVP and the trunk is not secure",
        "SRTP_NOT_ALLOWED",
        alert="{trunk} is not secure",
    ),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.make.__name__)
def test_a_refusal_is_answered_recorded_and_explained(
    node: LiveNode, raw: PlainSip, carrier: DemoCarrier, refusal: Refusal
) -> None:
    sent = refusal.make(node)
    reply = raw.invite(
        f"sip:{sent.called}@{sent.host}", caller=sent.caller, credentials=sent.credentials, srtp=sent.srtp
    )
    names = {
        "user": sent.credentials.username if sent.credentials else "",
        "host": sent.host,
        "caller": sent.caller,
        "called": sent.called,
        "source": raw.source,
        "trunk": sent.trunk_sid,
        "account": sent.account_sid,
    }

    assert (reply.status, reply.reason) == (refusal.status, refusal.reason)
    assert reply.twilio_error == refusal.header.format_map(names)
    assert reply.header_names == REFUSAL_HEADERS
    assert (reply.challenge is not None) == (sent.credentials is not None)

    record = node.record(reply.call_id)
    assert_shows(record, attempts=[], **_refused(refusal, sent, raw))
    assert not carrier.saw(reply.call_id)
    _check_alert(node, sent, refusal, record, refusal.alert.format_map(names))


def _refused(refusal: Refusal, sent: Sent, raw: PlainSip) -> dict[str, Any]:
    return {
        "status": "failed",
        "cause": refusal.cause,
        "sip_status": refusal.status,
        "sip_reason": refusal.reason,
        "error_code": refusal.code,
        "direction": "trunking-terminating",
        "account_sid": sent.account_sid,
        "trunk_sid": sent.trunk_sid,
        "caller": sent.caller,
        "called": sent.called,
        "duration": 0,
        "ended_by": "edge",
        "answered_us": None,
        "pdd_ms": None,
        "source_address": f"udp:{raw.source}:{raw.port}",
        "user_agent": "plain test",
    }


def _check_alert(node: LiveNode, sent: Sent, refusal: Refusal, record: View, words: str) -> None:
    """Told where it belongs: to the account of the trunk, or to the platform when there is none."""
    (shown,) = record["alerts"]
    assert (shown["error_code"], shown["log_level"]) == (refusal.code, refusal.level)
    assert words in shown["alert_text"]
    if sent.account_sid != node.demo["account_sid"] and sent.api is None and sent.account_sid is not None:
        return
    sent.before_reading()
    api = sent.api or node.api
    (alert,) = [row for row in api.alerts(most=100) if row["resource_sid"] == record["sid"]]
    assert_shows(
        alert,
        sid=shown["sid"],
        error_code=str(refusal.code),
        log_level=refusal.level,
        account_sid=sent.account_sid,
        service_sid=sent.trunk_sid,
        alert_text=shown["alert_text"],
    )
    seen = json.loads(api.get(f"/v1/Alerts/{alert['sid']}")["request_variables"])
    assert seen["ruri"] == f"sip:{sent.called}@{sent.host}"
    if sent.api is not None:
        assert record["sid"] not in [row["resource_sid"] for row in node.api.alerts(most=100)]


def test_a_register_is_refused_and_told(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    reply = raw.register(trunk.domain_name, trunk.username)
    assert (reply.status, reply.reason, reply.twilio_error) == (
        403,
        "Forbidden",
        "32210 REGISTER is not supported on a trunk",
    )
    (alert,) = wait_for(
        lambda: [row for row in node.api.alerts(most=100) if row["service_sid"] == trunk.sid], "the alert"
    )
    assert (alert["error_code"], alert["account_sid"], alert["resource_sid"]) == (
        "32210",
        node.demo["account_sid"],
        None,
    )
    assert f"A REGISTER for {trunk.username} came from {raw.source}" in alert["alert_text"]


# ---- address and password together ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("listed", "right"), [(True, True), (True, False), (False, True), (False, False)])
def test_with_both_attached_both_must_pass(node: LiveNode, carrier: DemoCarrier, listed: bool, right: bool) -> None:
    address = own_address()
    trunk = node.make_trunk(acl=address)
    credentials = Credentials(trunk.username, trunk.password if right else "Wrong1Password")
    with PlainSip(node.host, node.sip_port, source=address if listed else own_address()) as raw:
        reply = raw.invite(f"sip:{BUSY}@{trunk.domain_name}", caller=trunk.number, credentials=credentials)
    if not listed:
        # The address comes first: whoever calls from elsewhere is not even asked for a password.
        assert reply.challenge is None
        assert (reply.status, reply.twilio_error) == (
            403,
            f"32201 Authentication failure - source IP Address not in ACL: {raw.source}",
        )
    elif not right:
        assert (reply.status, reply.twilio_error) == (
            403,
            f"32202 Authentication failure - bad user credentials: user name {trunk.username}",
        )
    else:
        assert (reply.status, reply.twilio_error) == (486, None)
    assert (reply.challenge is not None) == listed
    record = node.record(reply.call_id)
    assert record["error_code"] == (32201 if not listed else None if right else 32202)
    assert record["status"] == ("busy" if listed and right else "failed")
    assert (carrier.saw(reply.call_id) is not None) == (listed and right)


def test_an_address_alone_admits_without_a_question(node: LiveNode, carrier: DemoCarrier) -> None:
    address = own_address()
    trunk = node.make_trunk(credentials=False, acl=f"{address}/30")
    with PlainSip(node.host, node.sip_port, source=address) as raw:
        reply = raw.invite(f"sip:{BUSY}@{trunk.domain_name}", caller=trunk.number)
    assert (reply.status, reply.challenge) == (486, None)
    assert carrier.saw(reply.call_id)
    assert node.record(reply.call_id)["source_address"] == f"udp:{address}:{raw.port}"


def test_a_pbx_known_by_its_address_has_audio(node: LiveNode) -> None:
    address = own_address()
    trunk = node.make_trunk(credentials=False, acl=address)
    with PbxProcess("--host", address) as pbx:
        result = pbx.call(trunk.plan(node, node.demo["echo_number"], username=None, password=None))
    assert (result.sip_status, result.challenges) == (200, 0)
    assert result.media.tone is not None
    assert result.media.tone.heard, result.media.tone
    record = node.record(result.call_id)
    assert (record["status"], record["trunk_sid"]) == ("completed", trunk.sid)
