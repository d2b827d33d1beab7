"""A node between a PBX and a carrier that a test plays message by message: each on a loopback address of its own."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from live_node import LiveNode, LiveTrunk

from trunkline.testbench.pcap import Address
from trunkline.testbench.raw_agent import Dialog, RawAgent, media_address
from trunkline.testbench.sip_text import SipText

PBX_HOST, CARRIER_HOST = "127.0.7.2", "127.0.7.3"


@dataclass
class Call:
    """An answered call."""

    caller: RawAgent
    callee: RawAgent
    of_caller: Dialog
    of_callee: Dialog
    invite: SipText
    """As the callee got it."""
    answer: SipText
    """As the caller got it."""

    @property
    def call_id(self) -> str:
        return self.of_caller.call_id

    @property
    def edge_for_caller(self) -> Address:
        """Where the caller sends its audio."""
        return media_address(self.answer)

    @property
    def edge_for_callee(self) -> Address:
        return media_address(self.invite)

    def ends(self, by: RawAgent | None = None) -> None:
        """BYE and its 200."""
        sender, dialog = (self.callee, self.of_callee) if by is self.callee else (self.caller, self.of_caller)
        other = self.caller if sender is self.callee else self.callee
        before = len(other.received)
        sender.send(sender.request(dialog, "BYE"))
        other.respond(other.wait_request("BYE", after=before), 200)
        assert sender.final(dialog, "BYE").sip_status == 200


class RawTrunk:
    """The node, a trunk, and a carrier that is played here."""

    def __init__(self, node: LiveNode) -> None:
        self.node = node
        self.edge: Address = (node.host, node.sip_port)
        self.trunk: LiveTrunk = node.make_trunk()
        self.carrier = RawAgent(self.edge, host=CARRIER_HOST, agent="CarrierWare/9.1")
        made = node.api.post("/trunkline/v1/Carriers", FriendlyName="Played by hand")["sid"]
        self._path = f"/trunkline/v1/Carriers/{made}"
        node.api.post(f"{self._path}/Targets", SipUri=f"sip:{CARRIER_HOST}:{self.carrier.port}")
        node.api.post(f"{self._path}/Addresses", Network=f"{CARRIER_HOST}/32")
        node.wait_published()

    def close(self) -> None:
        """Tests that come later on the same node have their own carriers."""
        self.carrier.close()
        self.node.api.delete(self._path)
        self.node.wait_published()

    def pbx(self) -> RawAgent:
        return RawAgent(self.edge, host=PBX_HOST, agent="OfficePBX/3.2")

    def invited(
        self, pbx: RawAgent, *, headers: str = "", body: bytes | None = None, call_id: str | None = None
    ) -> Dialog:
        """The INVITE with credentials is out."""
        trunk = self.trunk
        called = f"+1555019{secrets.randbelow(10**4):04d}"
        dialog = pbx.new_dialog(f"sip:{called}@{trunk.domain_name}", trunk.number, call_id=call_id)
        offer = pbx.sdp() if body is None else body
        pbx.send(pbx.request(dialog, "INVITE", body=offer, headers=headers))
        challenge = pbx.final(dialog)
        assert challenge.sip_status == 407, challenge
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        self.carrier.received.clear()
        pbx.send(pbx.request(dialog, "INVITE", body=offer, headers=headers))
        return dialog

    def call(self, pbx: RawAgent, *, headers: str = "", answer_headers: str = "", call_id: str | None = None) -> Call:
        """An answered and acknowledged call from the PBX."""
        dialog = self.invited(pbx, headers=headers, call_id=call_id)
        carrier = self.carrier
        invite = carrier.wait_request("INVITE")
        taken = carrier.taken(invite)
        carrier.respond(invite, 180, "Ringing", tag=taken.local_tag, headers=answer_headers)
        carrier.respond(invite, 200, tag=taken.local_tag, headers=answer_headers, body=carrier.sdp())
        answer = pbx.final(dialog)
        assert answer.sip_status == 200, answer
        pbx.ack(dialog, answer)
        carrier.wait(lambda m: m.method == "ACK" and m.first("Call-ID") == taken.call_id and m.is_request, "the ACK")
        return Call(pbx, carrier, dialog, taken, invite, answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def errors_logged(node: LiveNode) -> list[str]:
    lines = (json.loads(line) for line in Path(node.settings.log_file).read_text().splitlines())
    return [f"{line['program']}: {line['message']}" for line in lines if line["level"] == "error"]


def naming(messages: list[bytes], *forbidden: str) -> list[str]:
    """Lines of these messages that hold one of the words, for a test that says which."""
    found: list[str] = []
    for message in messages:
        for line in message.decode("utf-8", "replace").splitlines():
            found += [f"{word!r} in {line}" for word in forbidden if re.search(re.escape(word), line, re.IGNORECASE)]
    return found


def exchange(
    sender: RawAgent,
    dialog: Dialog,
    other: RawAgent,
    method: str,
    status: int = 200,
    reason: str = "OK",
    *,
    headers: str = "",
    answer_headers: str = "",
    **fields: bytes,
) -> tuple[SipText, SipText]:
    """A request across, answered so; as the other side got it, and the answer as the sender got it."""
    before = len(other.received)
    body = fields.get("body", b"")
    sender.send(sender.request(dialog, method, headers=headers, body=body))
    passed = other.wait_request(method, after=before)
    other.respond(passed, status, reason, headers=answer_headers, body=fields.get("answer", b""))
    answer = sender.final(dialog, method)
    if method == "INVITE":
        sender.ack(dialog, answer)
        if status < 300:
            other.wait_request("ACK", after=before)
    return passed, answer


def hear_each_other(world: RawTrunk, pbx: RawAgent, for_pbx: SipText, for_carrier: SipText) -> None:
    """Audio both ways, through the edge alone."""
    carrier = world.carrier
    assert media_address(for_pbx)[0] == media_address(for_carrier)[0] == world.edge[0]
    pbx.rtp_received.clear()
    carrier.rtp_received.clear()
    for _ in range(3):
        pbx.talk(media_address(for_pbx), 0.1, octet=0x11)
        carrier.talk(media_address(for_carrier), 0.1, octet=0x22)
    pbx.poll(0.1)
    carrier.poll(0.1)
    assert {packet.data[12] for packet in carrier.rtp_received} == {0x11}
    assert {packet.data[12] for packet in pbx.rtp_received} == {0x22}


@contextmanager
def played_trunk(folder: Path) -> Iterator[RawTrunk]:
    """On a node of its own, which has logged no error at its end."""
    with LiveNode(folder / "home", demo=False) as node:
        with RawTrunk(node) as raw:
            yield raw
        assert errors_logged(node) == []


@contextmanager
def fresh_pbx(world: RawTrunk, quiet_for: float = 0.0) -> Iterator[RawAgent]:
    """A PBX, and a carrier that has heard nothing yet."""
    while world.carrier.poll(quiet_for):
        pass
    world.carrier.received.clear()
    with world.pbx() as agent:
        yield agent
