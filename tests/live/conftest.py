from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live_node import LiveNode

from trunkline.testbench.process import AgentProcess


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveNode]:
    """One node for all tests that do not hurt it. Its path has a space in it, as paths of users have."""
    with LiveNode(tmp_path_factory.mktemp("live") / "a home") as running:
        yield running


@pytest.fixture
def pbx() -> Iterator[AgentProcess]:
    """A PBX on 127.0.0.1 without TLS."""
    from trunkline.testbench.pbx import PbxProcess  # noqa: PLC0415

    with PbxProcess() as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()
