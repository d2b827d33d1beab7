"""PBX → PSTN, with real processes and real audio."""

from __future__ import annotations

import pytest
from live_node import LiveNode

from trunkline.testbench.process import AgentProcess

ECHO = "+15550100000"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_echo_comes_back(node: LiveNode, pbx: AgentProcess, transport: str) -> None:
    trunk = node.make_trunk()
    result = pbx.call(trunk.plan(node, ECHO, transport=transport, seconds=3.0))
    assert result.sip_status == 200, result
    assert result.media.tone is not None
    print(result)
    record = node.record(result.call_id)
    print(record)
    assert record["status"] == "completed"
