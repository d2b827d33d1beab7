"""Which trunk takes a call: by the host of the Request-URI, and where it names none, by address or user name."""

from __future__ import annotations

import pytest
from demo_carrier import BUSY, DemoCarrier
from live_node import LiveNode, LiveTrunk
from plain_sip import Credentials, PlainSip, Reply, own_address

pytestmark = pytest.mark.live


@pytest.mark.parametrize("host", ["", "pstn.twilio.com", "pstn.ashburn.twilio.com"])
def test_the_global_endpoint_finds_the_trunk_by_address(node: LiveNode, host: str) -> None:
    """No host: the edge's own address."""
    address = own_address()
    trunk = node.make_trunk(credentials=False, acl=address)
    with PlainSip(node.host, node.sip_port, source=address) as raw:
        reply = raw.invite(f"sip:{BUSY}@{host or f'{node.host}:{node.sip_port}'}", caller=trunk.number)
    assert (reply.status, reply.challenge) == (486, None)
    assert node.record(reply.call_id)["trunk_sid"] == trunk.sid


def test_the_global_endpoint_finds_the_trunk_by_user(node: LiveNode, raw: PlainSip) -> None:
    trunk = node.make_trunk()
    host = f"{node.host}:{node.sip_port}"
    reply = raw.invite(
        f"sip:{BUSY}@{host}", caller=trunk.number, credentials=Credentials(trunk.username, trunk.password)
    )
    assert (reply.status, reply.challenge is not None) == (486, True)
    assert node.record(reply.call_id)["trunk_sid"] == trunk.sid
    wrong = raw.invite(
        f"sip:{BUSY}@{host}", caller=trunk.number, credentials=Credentials(trunk.username, "Wrong1Password")
    )
    assert (wrong.status, wrong.twilio_error) == (
        403,
        f"32202 Authentication failure - bad user credentials: user name {trunk.username}",
    )
    record = node.record(wrong.call_id)
    assert (record["trunk_sid"], record["account_sid"]) == (trunk.sid, node.demo["account_sid"])


def test_two_trunks_by_one_address_are_ambiguous(node: LiveNode, carrier: DemoCarrier) -> None:
    address = own_address()
    one, two = (node.make_trunk(credentials=False, acl=address) for _ in range(2))
    with PlainSip(node.host, node.sip_port, source=address) as raw:
        reply = raw.invite(f"sip:{BUSY}@{node.host}", caller=one.number)
        assert raw.invite(f"sip:{BUSY}@{two.domain_name}", caller=one.number).status == 486
    _check_ambiguous(node, reply, address, one, two)
    assert not carrier.saw(reply.call_id)


def test_two_trunks_by_one_user_are_ambiguous(node: LiveNode, raw: PlainSip) -> None:
    one, two = node.make_trunk(), node.make_trunk(credentials=False)
    listed = next(node.api.list(f"/v1/Trunks/{one.sid}/CredentialLists"))["sid"]
    node.api.attach_credential_list(two.sid, listed)
    node.wait_published()
    reply = raw.invite(
        f"sip:{BUSY}@{node.host}", caller=one.number, credentials=Credentials(one.username, one.password)
    )
    _check_ambiguous(node, reply, raw.source, one, two)


def _check_ambiguous(node: LiveNode, reply: Reply, source: str, one: LiveTrunk, two: LiveTrunk) -> None:
    """The sender is told its own words; the account, which hosts it may use."""
    assert (reply.status, reply.twilio_error) == (
        403,
        f"32200 Insufficient permissions: {node.host} does not name one single trunk for a call from {source}",
    )
    record = node.record(reply.call_id)
    assert (record["cause"], record["account_sid"]) == ("GLOBAL_ENDPOINT_AMBIGUOUS", node.demo["account_sid"])
    (alert,) = record["alerts"]
    assert one.domain_name in alert["alert_text"]
    assert two.domain_name in alert["alert_text"]


@pytest.mark.parametrize(
    "host", ["{label}.pstn.ashburn.twilio.com", "{label}.ashburn.pstn.twilio.com", "{LABEL}.PSTN.twilio.com"]
)
def test_a_label_with_an_edge_in_between(node: LiveNode, raw: PlainSip, host: str) -> None:
    trunk = node.make_trunk()
    label = trunk.domain_name.partition(".")[0]
    name = host.format(label=label, LABEL=label.upper())
    reply = raw.invite(
        f"sip:{BUSY}@{name}", caller=trunk.number, credentials=Credentials(trunk.username, trunk.password)
    )
    assert reply.status == 486
    assert node.record(reply.call_id)["trunk_sid"] == trunk.sid
