"""What the node's simulated carrier saw: calls are told apart by the caller's number, which each trunk of a test has for itself."""

from __future__ import annotations

from live_node import LiveNode, wait_for

from trunkline.settings import Ports
from trunkline.testbench.control import ControlClient
from trunkline.testbench.result import SeenInvite, seen_invite_from_json


def seen_by_carrier(node: LiveNode, caller: str) -> list[SeenInvite]:
    """The INVITEs from that number, oldest first."""
    client = ControlClient(Ports.read(node.settings.ports_file).carrier_control)
    try:
        calls = [seen_invite_from_json(fields) for fields in client.ask("seen")["calls"]]
    finally:
        client.close()
    return [call for call in calls if call.caller == caller]


def only_call(node: LiveNode, caller: str) -> SeenInvite:
    """The one call from that number, once it is over at the carrier, too."""
    def over() -> SeenInvite | None:
        calls = seen_by_carrier(node, caller)
        assert len(calls) <= 1, calls
        return calls[0] if calls and calls[0].ended else None

    found: SeenInvite = wait_for(over, f"the end of the call from {caller} at the carrier")
    return found
