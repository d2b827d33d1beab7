from __future__ import annotations

from collections.abc import Iterator

import pytest
from demo_carrier import DemoCarrier
from live_node import LiveNode
from plain_sip import PlainSip

from trunkline.testbench.process import AgentProcess


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """One node for all tests that do not hurt it. Its path has a space in it, as paths of users have."""
    with LiveNode(tmp_path_factory.mktemp("live") / "a home") as running:
        yield running


@pytest.fixture(scope="session")
def carrier(node: LiveNode) -> DemoCarrier:
    """The simulated carrier of that node."""
    return DemoCarrier(node)


@pytest.fixture
def raw(node: LiveNode) -> Iterator[PlainSip]:
    with PlainSip(node.host, node.sip_port) as client:
        yield client


@pytest.fixture
def pbx() -> Iterator[AgentProcess]:
    """A PBX on 127.0.0.1 without TLS."""
    from trunkline.testbench.pbx import PbxProcess

    with PbxProcess() as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()
