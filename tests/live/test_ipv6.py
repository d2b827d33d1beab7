"""A node on IPv6: a call, its audio, and nothing in its log that is an error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live_node import LiveNode
from raw_trunk import errors_logged

from trunkline.testbench.raw_agent import RawAgent, media_address

pytestmark = pytest.mark.live

HOST = "::1"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    with LiveNode(tmp_path_factory.mktemp("six") / "home", host=HOST, demo=False) as running:
        yield running
        assert errors_logged(running) == []


def test_a_call_by_ipv6(node: LiveNode) -> None:
    edge, trunk = (HOST, node.sip_port), node.make_trunk()
    with RawAgent(edge, host=HOST, agent="CarrierWare/9.1") as carrier, RawAgent(edge, host=HOST, agent="PBX/3") as pbx:
        made = node.api.post("/trunkline/v1/Carriers", FriendlyName="Six")["sid"]
        node.api.post(f"/trunkline/v1/Carriers/{made}/Targets", SipUri=f"sip:[{HOST}]:{carrier.port}")
        node.wait_published()
        dialog = pbx.new_dialog(f"sip:+15550190001@{trunk.domain_name}", trunk.number)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
        challenge = pbx.final(dialog)
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
        invite = carrier.wait_request("INVITE")
        taken = carrier.taken(invite)
        carrier.respond(invite, 200, tag=taken.local_tag, body=carrier.sdp())
        answer = pbx.final(dialog)
        assert answer.sip_status == 200, answer
        pbx.ack(dialog, answer)
        carrier.wait_request("ACK")
        assert "IN IP6 ::1" in invite.body
        for _ in range(3):
            pbx.talk(media_address(answer), 0.1, octet=0x11)
            carrier.talk(media_address(invite), 0.1, octet=0x22)
        carrier.poll(0.1)
        pbx.poll(0.1)
        assert {packet.data[12] for packet in carrier.rtp_received} == {0x11}
        assert {packet.data[12] for packet in pbx.rtp_received} == {0x22}
        carrier.send(carrier.request(taken, "BYE"))
        pbx.respond(pbx.wait_request("BYE"), 200)
        assert carrier.final(taken, "BYE").sip_status == 200
        record = node.record(dialog.call_id)
        assert (record["status"], record["ended_by"]) == ("completed", "callee")
