"""The simulated carrier of a node's demo, by its remote control: it belongs to the node, so nobody here stops it."""

from __future__ import annotations

import json

from live_node import LiveNode, LiveTrunk, wait_for

from trunkline.api.client import View
from trunkline.settings import Ports
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.control import ControlClient
from trunkline.testbench.process import AgentProcess
from trunkline.testbench.result import SeenInvite

CALLER = "+15550004321"
"""Somebody in the PSTN."""
BUSY = "+15550100486"
"""The carrier answers 486: whoever gets that has been admitted."""
PAUSE = 0.025
"""Seconds between calls to one agent. PJSIP keeps both sockets of a call for half a second after its end and aborts
when it has 64 of them."""


class DemoCarrier(AgentProcess):
    """Asks and tells like an agent that was started here."""

    def __init__(self, node: LiveNode) -> None:
        super().__init__()
        self._control = ControlClient(Ports.read(node.settings.ports_file).carrier_control)
        self._ready = self.ask("describe")
        self.node = node

    def saw(self, call_id: str) -> SeenInvite | None:
        """The termination call with this Call-ID that reached the carrier."""
        return next((call for call in self.seen() if call.call_id == call_id), None)

    def took(self, call_id: str) -> SeenInvite:
        """The same call, once it is over here, too."""

        def over() -> SeenInvite | None:
            call = self.saw(call_id)
            return call if call is not None and call.ended else None

        found: SeenInvite = wait_for(over, f"the end of {call_id} at the carrier")
        return found

    def times(self, call_id: str) -> int:
        """How many INVITEs with this Call-ID reached the carrier, retransmissions aside."""
        return sum(call.call_id == call_id for call in self.seen())

    def plan(self, number: str, **changes: object) -> CallPlan:
        """A call from the PSTN to a number of ours."""
        fields: dict[str, object] = {
            "to": f"sip:{number}@{self.node.host}:{self.node.sip_port}",
            "via": self.node.sip_uri(),
            "caller": CALLER,
            "seconds": 1.5,
        }
        return CallPlan(**{**fields, **changes})  # type: ignore[arg-type]


def add_url(
    node: LiveNode, trunk: LiveTrunk, uri: str, *, priority: int = 10, weight: int = 10, enabled: bool = True
) -> str:
    """Another origination URL of a trunk; its SID. Published with the next `wait_published`."""
    made = node.api.post(
        f"/v1/Trunks/{trunk.sid}/OriginationUrls",
        SipUrl=uri,
        FriendlyName=uri[:60],
        Priority=priority,
        Weight=weight,
        Enabled=enabled,
    )
    return str(made["sid"])


def logged(node: LiveNode, call_id: str) -> list[dict[str, str]]:
    """What the programs of the node logged about a call, by its Call-ID or, as rtpengine knows it, by its SID."""
    records = wait_for(lambda: node.find_records(call_id), f"the record of {call_id}")
    names = {call_id, *(record["sid"] for record in records)}
    newest = node.settings.log_file
    text = "".join(path.read_text() for path in sorted(newest.parent.glob(f"{newest.name}*"), reverse=True))
    return [json.loads(line) for line in text.splitlines() if any(name in line for name in names)]


def complaints(node: LiveNode, call_id: str) -> list[str]:
    """What they logged about it above "info". Of a call that went well: nothing."""
    return [
        f"{line['program']} {line['level']}: {line['message']}"
        for line in logged(node, call_id)
        if line["level"] in ("warning", "error")
    ]


def assert_shows(record: View, **expected: object) -> None:
    """These fields of a record, with a difference that can be read."""
    assert {name: record[name] for name in expected} == expected
