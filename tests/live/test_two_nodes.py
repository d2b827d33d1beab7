"""Two nodes side by side on one machine, on the same address: one is the other's carrier."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from demo_carrier import CALLER, DemoCarrier, add_url, assert_shows, complaints
from live_node import LiveNode, LiveTrunk, descendants

from trunkline.api.client import View
from trunkline.testbench.pbx import PbxProcess

pytestmark = pytest.mark.live

ECHO = "+15550100000"


@dataclass
class Pair:
    near: LiveNode
    """The PBX is its customer."""
    far: LiveNode
    """Has the simulated carrier, and takes the near node for a customer that it knows by its address."""
    taker: LiveTrunk
    """The far node's trunk for that."""

    def both(self) -> tuple[LiveNode, LiveNode]:
        return self.near, self.far


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("two nodes")
    near, far = LiveNode(folder / "near", demo=False), LiveNode(folder / "far")
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(LiveNode.start, (near, far)))
        carrier = near.api.create_carrier("The other node")["sid"]
        near.api.add_carrier_target(carrier, f"sip:{far.host}:{far.sip_port}")
        near.api.add_carrier_address(carrier, far.host)
        yield Pair(near, far, far.make_trunk(credentials=False, acl=near.host))
    finally:
        for node in (near, far):
            node.stop()


@pytest.fixture
def agent() -> Iterator[PbxProcess]:
    with PbxProcess("--record") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


def both_records(pair: Pair, call_id: str) -> tuple[View, View]:
    near, far = (node.record(call_id) for node in pair.both())
    for node in pair.both():
        assert complaints(node, call_id) == []
    assert near["sid"] != far["sid"]
    return near, far


def test_a_call_goes_out_through_both(pair: Pair, agent: PbxProcess) -> None:
    near, far = pair.both()
    trunk = near.make_trunk()
    far.api.declare_caller_id(trunk.number)
    far.wait_published()
    result = agent.call(trunk.plan(near, ECHO, seconds=3.0, digits="7"))
    assert (result.sip_status, result.ended_by, result.challenges) == (200, "caller", 1)
    assert result.media.tone is not None
    assert result.media.tone.ratio > 0.9, result.media.tone
    assert result.media.tone.tone_seconds > 2.0, result.media.tone

    first, second = both_records(pair, result.call_id)
    for record in (first, second):
        assert_shows(
            record,
            status="completed",
            direction="trunking-terminating",
            called=ECHO,
            caller=trunk.number,
            ended_by="caller",
            sip_status=200,
            alerts=[],
        )
        assert 3_000_000 <= record["ended_us"] - record["answered_us"] < 3_700_000
        for side in ("customer_side", "carrier_side"):
            assert abs(record[side]["packets"] - result.media.rtp_sent) <= 8, (side, record[side], result.media)
    assert_shows(first, trunk_sid=trunk.sid)
    assert_shows(second, trunk_sid=pair.taker.sid, source_address=f"udp:{near.host}:{near.sip_port}")
    seen = DemoCarrier(far).saw(result.call_id)
    assert seen is not None
    assert (seen.ruri.partition("@")[0], seen.caller) == (f"sip:{ECHO}", trunk.number)
    assert seen.source == f"udp:{far.host}:{far.sip_port}"


def test_a_call_comes_in_through_both(pair: Pair, agent: PbxProcess) -> None:
    """The far node's customer is the near node's trunk: the number is known to both."""
    near, far = pair.both()
    agent.behave("answer", media="tone:700", hang_up_after=2.0)
    number = f"+1556{secrets.randbelow(10**7):07d}"
    inner, outer = near.make_trunk(), far.make_trunk()
    near.api.add_phone_number(number, trunk_sid=inner.sid)
    add_url(near, inner, agent.sip_uri)
    far.api.add_phone_number(number, trunk_sid=outer.sid)
    add_url(far, outer, f"sip:{near.host}:{near.sip_port}")
    for node in pair.both():
        node.wait_published()
    result = (carrier := DemoCarrier(far)).call(carrier.plan(number, seconds=None, listen_hz=700.0))
    assert (result.sip_status, result.ended_by) == (200, "callee")
    assert result.media.tone is not None
    assert result.media.tone.tone_seconds > 1.2, result.media.tone
    (seen,) = [call for call in agent.seen() if call.call_id == result.call_id]
    first, second = both_records(pair, result.call_id)
    for record in (first, second):
        assert_shows(
            record,
            status="completed",
            direction="trunking-originating",
            called=number,
            caller=CALLER,
            ended_by="callee",
        )
    # The PBX is the near node's customer, and gets the SIDs of that one.
    assert [value for name, value in seen.headers if name == "X-Twilio-CallSid"] == [first["sid"]]
    assert [value for name, value in seen.headers if name == "X-Twilio-AccountSid"] == [near.demo["account_sid"]]


def test_a_number_that_the_far_carrier_refuses(pair: Pair, agent: PbxProcess) -> None:
    """Its word crosses both nodes as it is, and stands in both records."""
    near, far = pair.both()
    trunk = near.make_trunk()
    far.api.declare_caller_id(trunk.number)
    far.wait_published()
    result = agent.call(trunk.plan(near, "+15550100404"))
    assert (result.sip_status, result.reason_header) == (404, "Q.850;cause=1")
    for record in both_records(pair, result.call_id):
        assert_shows(record, status="failed", sip_status=404, q850_cause=1)
        assert [attempt["sip_status"] for attempt in record["attempts"]] == [404]


def test_both_stop_and_leave_nothing_behind(pair: Pair) -> None:
    processes: dict[LiveNode, list[int]] = {}
    for node in pair.both():
        assert node.process is not None
        processes[node] = [node.process.pid, *descendants(node.process.pid)]
    with ThreadPoolExecutor() as pool:
        assert list(pool.map(LiveNode.stop, pair.both())) == [0, 0]
    for node, pids in processes.items():
        assert len(pids) > 8
        node.assert_nothing_left()
        node.assert_no_traceback()
        assert [pid for pid in pids if os.path.exists(f"/proc/{pid}")] == []
