"""A node with an address of IPv4 and one of IPv6: a call with one family on each side, with audio both ways."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

import pytest
from demo_carrier import add_url
from live_node import LiveNode, wait_for
from raw_trunk import errors_logged
from tls_pbx import TlsPbx

from trunkline.testbench.raw_agent import Dialog, RawAgent, media_address
from trunkline.testbench.sip_text import SipText

pytestmark = pytest.mark.live

FOUR, SIX = "127.0.0.1", "::1"
SIDES = [pytest.param(SIX, FOUR, id="six to four"), pytest.param(FOUR, SIX, id="four to six")]
PSTN = "+15550190001"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    with LiveNode(
        tmp_path_factory.mktemp("both") / "home", demo=False, environment={"TRUNKLINE_SECOND_HOST": SIX}
    ) as running:
        yield running
        assert errors_logged(running) == []


class Carrier(RawAgent):
    """A carrier with one target, as long as the block lasts."""

    def __init__(self, node: LiveNode, host: str) -> None:
        super().__init__((host, node.sip_port), host=host, agent="CarrierWare/9.1")
        self.node = node
        self.path = (
            "/trunkline/v1/Carriers/"
            + node.api.post("/trunkline/v1/Carriers", FriendlyName="One family", ProbeSeconds=0)["sid"]
        )
        node.api.post(f"{self.path}/Targets", SipUri=f"sip:{self.literal}:{self.port}")
        node.api.post(f"{self.path}/Addresses", Network=host)
        node.wait_published()

    def close(self) -> None:
        self.node.api.delete(self.path)
        self.node.wait_published()
        super().close()


def speaks(host: str, message: SipText) -> None:
    """Nothing in what this side got is of the other family: it could not even send there."""
    version = ipaddress.ip_address(host).version
    assert media_address(message)[0] == host
    assert f"IN IP{version} {host}" in message.body
    assert f"IN IP{10 - version}" not in message.body
    contact = re.search(r"@?(\[[^\]]*\]|[0-9.]+):\d+", message.first("Contact").partition("sip:")[2])
    assert contact is not None
    assert ipaddress.ip_address(contact.group(1).strip("[]")) == ipaddress.ip_address(host)


def talk(caller: RawAgent, callee: RawAgent, to_caller: SipText, to_callee: SipText) -> None:
    """Each hears the other, and nobody else. The arguments' SDP says where to send."""
    caller.rtp_received.clear()
    callee.rtp_received.clear()
    for _ in range(4):
        caller.talk(media_address(to_caller), 0.1, octet=0x11)
        callee.talk(media_address(to_callee), 0.1, octet=0x22)
    caller.poll(0.1)
    callee.poll(0.1)
    assert {packet.data[12] for packet in callee.rtp_received} == {0x11}
    assert {packet.data[12] for packet in caller.rtp_received} == {0x22}
    assert len(callee.rtp_received) > 10
    assert len(caller.rtp_received) > 10


def answered(caller: RawAgent, callee: RawAgent, dialog: Dialog, invite: SipText) -> tuple[Dialog, SipText]:
    taken = callee.taken(invite)
    callee.respond(invite, 180, "Ringing", tag=taken.local_tag)
    callee.respond(invite, 200, tag=taken.local_tag, body=callee.sdp())
    answer = caller.final(dialog)
    assert answer.sip_status == 200, answer
    return taken, answer


def dial(node: LiveNode, pbx: RawAgent, *, late: bool = False) -> Dialog:
    trunk = node.make_trunk()
    dialog = pbx.new_dialog(f"sip:{PSTN}@{trunk.domain_name}", trunk.number)
    body = b"" if late else pbx.sdp()
    pbx.send(pbx.request(dialog, "INVITE", body=body))
    challenge = pbx.final(dialog)
    pbx.ack(dialog, challenge)
    pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
    pbx.send(pbx.request(dialog, "INVITE", body=body))
    return dialog


def hang_up(node: LiveNode, by: RawAgent, dialog: Dialog, other: RawAgent, call_id: str, ended_by: str) -> None:
    by.send(by.request(dialog, "BYE"))
    other.respond(other.wait_request("BYE"), 200)
    assert by.final(dialog, "BYE").sip_status == 200
    record = node.record(call_id)
    assert (record["status"], record["ended_by"]) == ("completed", ended_by)
    assert record["customer_side"]["packets"] > 10
    assert record["carrier_side"]["packets"] > 10


@pytest.mark.parametrize(("customer", "carrier"), SIDES)
def test_termination(node: LiveNode, customer: str, carrier: str) -> None:
    with Carrier(node, carrier) as callee, RawAgent((customer, node.sip_port), host=customer, agent="PBX/3") as pbx:
        dialog = dial(node, pbx)
        invite = callee.wait_request("INVITE")
        speaks(carrier, invite)
        taken, answer = answered(pbx, callee, dialog, invite)
        speaks(customer, answer)
        pbx.ack(dialog, answer)
        callee.wait_request("ACK")
        talk(pbx, callee, answer, invite)

        # Either side may change the session later, and gets its own family again.
        before = len(callee.received)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(version=2)))
        again = callee.wait_request("INVITE", after=before)
        speaks(carrier, again)
        callee.respond(again, 200, body=callee.sdp(version=2))
        answer = pbx.final(dialog)
        speaks(customer, answer)
        pbx.ack(dialog, answer)
        callee.wait_request("ACK", after=before)
        before = len(pbx.received)
        callee.send(callee.request(taken, "INVITE", body=callee.sdp(version=3)))
        asked = pbx.wait_request("INVITE", after=before)
        speaks(customer, asked)
        pbx.respond(asked, 200, body=pbx.sdp(version=3))
        confirmed = callee.final(taken)
        speaks(carrier, confirmed)
        callee.ack(taken, confirmed)
        pbx.wait_request("ACK", after=before)
        talk(pbx, callee, asked, confirmed)
        hang_up(node, callee, taken, pbx, dialog.call_id, "callee")


@pytest.mark.parametrize(("customer", "carrier"), SIDES)
def test_termination_by_tls(node: LiveNode, customer: str, carrier: str) -> None:
    """The edge sees the TLS front's address on loopback, which is no customer's."""
    with Carrier(node, carrier) as callee, TlsPbx(node, customer) as pbx:
        dialog = dial(node, pbx)
        invite = callee.wait_request("INVITE")
        speaks(carrier, invite)
        taken, answer = answered(pbx, callee, dialog, invite)
        speaks(customer, answer)
        assert f":{node.tls_port};transport=tls" in answer.first("Contact")
        pbx.ack(dialog, answer)
        callee.wait_request("ACK")
        talk(pbx, callee, answer, invite)
        # A re-INVITE of the carrier, over the connection that the PBX has made.
        before = len(pbx.received)
        callee.send(callee.request(taken, "INVITE", body=callee.sdp(version=2)))
        asked = pbx.wait_request("INVITE", after=before)
        speaks(customer, asked)
        pbx.respond(asked, 200, body=pbx.sdp(version=2))
        confirmed = callee.final(taken)
        speaks(carrier, confirmed)
        callee.ack(taken, confirmed)
        pbx.wait_request("ACK", after=before)
        hang_up(node, pbx, dialog, callee, dialog.call_id, "caller")


@pytest.mark.parametrize(("customer", "carrier"), SIDES)
def test_origination(node: LiveNode, customer: str, carrier: str) -> None:
    trunk = node.make_trunk(credentials=False)
    with Carrier(node, carrier) as caller, RawAgent((customer, node.sip_port), host=customer, agent="PBX/3") as pbx:
        add_url(node, trunk, f"sip:{pbx.literal}:{pbx.port}")
        node.wait_published()
        dialog = caller.new_dialog(f"sip:{trunk.number}@{caller.literal.replace(str(caller.port), '')}", PSTN)
        caller.send(caller.request(dialog, "INVITE", body=caller.sdp()))
        invite = pbx.wait_request("INVITE")
        speaks(customer, invite)
        _, answer = answered(caller, pbx, dialog, invite)
        speaks(carrier, answer)
        caller.ack(dialog, answer)
        pbx.wait_request("ACK")
        talk(caller, pbx, answer, invite)
        hang_up(node, caller, dialog, pbx, dialog.call_id, "caller")


@pytest.mark.parametrize(("customer", "carrier"), SIDES)
def test_a_late_offer(node: LiveNode, customer: str, carrier: str) -> None:
    """The INVITE has no SDP: who offers is the callee, of whose family the caller is not."""
    with Carrier(node, carrier) as callee, RawAgent((customer, node.sip_port), host=customer, agent="PBX/3") as pbx:
        dialog = dial(node, pbx, late=True)
        invite = callee.wait_request("INVITE")
        _, offer = answered(pbx, callee, dialog, invite)
        speaks(customer, offer)
        pbx.ack(dialog, offer, body=pbx.sdp())
        ack = callee.wait_request("ACK")
        assert media_address(ack)[0] == carrier
        talk(pbx, callee, offer, ack)
        hang_up(node, pbx, dialog, callee, dialog.call_id, "caller")


def test_a_carrier_of_the_other_family_takes_over(node: LiveNode) -> None:
    """Each attempt gets SDP of its own family."""
    with Carrier(node, FOUR) as first, Carrier(node, SIX) as second:
        for n, carrier in enumerate((first, second)):
            node.api.post(carrier.path, Priority=n)
        node.wait_published()
        with RawAgent((FOUR, node.sip_port), host=FOUR, agent="PBX/3") as pbx:
            dialog = dial(node, pbx)
            invite = first.wait_request("INVITE")
            speaks(FOUR, invite)
            first.respond(invite, 503, "No", tag="x")
            invite = second.wait_request("INVITE")
            speaks(SIX, invite)
            _, answer = answered(pbx, second, dialog, invite)
            pbx.ack(dialog, answer)
            second.wait_request("ACK")
            talk(pbx, second, answer, invite)
            hang_up(node, pbx, dialog, second, dialog.call_id, "caller")


def test_carriers_of_both_families_are_probed(node: LiveNode) -> None:
    for host in (FOUR, SIX):
        with Carrier(node, host) as carrier:
            node.api.post(carrier.path, ProbeSeconds=1)
            node.wait_published()
            carrier.respond(carrier.wait_request("OPTIONS"), 200)

            def state(path: str = carrier.path) -> str:
                (target,) = node.api.get(f"{path}/Targets")["targets"]
                return str(target["state"])

            wait_for(lambda state=state: state() == "up", f"the carrier at {host} up")
