"""What a call survives: the end of Kamailio, of the recorder, of the database. And a killed `up` leaves nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from demo_carrier import DemoCarrier
from live_node import LiveNode, wait_for
from postgres import PostgresServer

from trunkline.testbench.pbx import PbxProcess

ECHO = "+15550100000"


def kill_and_see_another(node: LiveNode, name: str) -> float:
    """SIGKILL the program's main process; seconds until another is there."""
    (old,) = node.pids(name)
    os.kill(old, signal.SIGKILL)
    killed = time.monotonic()
    wait_for(lambda: any(pid != old for pid in node.pids(name)), f"another {name}", within=15)
    return time.monotonic() - killed


@pytest.mark.timeout(120)
def test_an_answered_call_outlives_kamailio(tmp_path: Path) -> None:
    with LiveNode(tmp_path / "kamailio") as node, PbxProcess() as pbx:
        trunk = node.make_trunk(Registration="allowed")
        registered = pbx.register(node.sip_uri(), trunk.domain_name, trunk.username, trunk.password)
        assert registered["sip_status"] == 200
        call = pbx.place_call(trunk.plan(node, ECHO, seconds=9.0))
        pbx.wait_until(lambda: pbx.result(call).timeline.answered is not None, "the answer")
        workers = set(_tree(node.pids("kamailio")[0]))
        kill_and_see_another(node, "kamailio")
        wait_for(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the end of the dead Kamailio's workers"
        )
        wait_for(node.healthy, "a healthy node", within=20)
        result = pbx.result(call, wait=25)
        assert result.sip_status == 200, result
        assert result.ended_by == "caller", result
        lived = result.timeline.ended - result.timeline.answered
        # The audio went on while Kamailio was away: rtpengine relays it, and knows nothing of the crash.
        assert result.media.tone.tone_seconds == pytest.approx(lived, abs=0.7), result
        assert result.media.rtp_lost <= 5, result
        record = node.record(result.call_id)
        assert record["status"] == "completed"
        assert record["duration"] == pytest.approx(lived, abs=1.0)
        assert record["ended_by"] == "caller"
        assert record["customer_side"]["packets"] == pytest.approx(result.media.rtp_sent, abs=5)
        # And the next call is one as any other, also to a PBX that registered with the Kamailio of before.
        assert pbx.call(trunk.plan(node, ECHO)).sip_status == 200
        carrier = DemoCarrier(node)
        assert carrier.call(carrier.plan(trunk.number, seconds=0.5)).sip_status == 200


@pytest.mark.timeout(120)
def test_no_record_is_lost_with_the_recorder(tmp_path: Path) -> None:
    with LiveNode(tmp_path / "recorder") as node, PbxProcess() as pbx:
        trunk = node.make_trunk()
        ids = []
        for _ in range(2):
            ids += [pbx.place_call(trunk.plan(node, ECHO, seconds=1.0)) for _ in range(2)]
            kill_and_see_another(node, "recorder")
        ids += (
            [pbx.place_call(trunk.plan(node, ECHO, seconds=0.1))]
            if all(pbx.result(call, wait=20).finished for call in ids)
            else []
        )
        results = [pbx.result(call, wait=20) for call in ids]
        assert len(results) == 5
        for result in results:
            assert result.sip_status == 200, result
            record = node.record(result.call_id, within=15)
            assert record["status"] == "completed"
            assert len(record["attempts"]) == 1


@pytest.mark.timeout(240)
def test_a_database_that_is_away_for_20_seconds(tmp_path: Path) -> None:
    with (
        PostgresServer() as server,
        LiveNode(tmp_path / "pg", environment={"TRUNKLINE_DATABASE_URL": server.create_database()}) as node,
        PbxProcess() as pbx,
    ):
        trunk = node.make_trunk()
        results = [pbx.call(trunk.plan(node, ECHO, seconds=0.5))]
        server.stop()
        stopped = time.monotonic()
        over = pbx.place_call(trunk.plan(node, ECHO, seconds=25.0))
        while time.monotonic() - stopped < 20:
            results.append(pbx.call(trunk.plan(node, ECHO, seconds=0.5)))
        assert len(results) > 10
        assert httpx.get(f"{node.demo['api_url']}/healthz", trust_env=False, timeout=20).status_code == 503
        server.start()
        results.append(pbx.call(trunk.plan(node, ECHO, seconds=0.5)))
        results.append(pbx.result(over, wait=30))
        assert [result.sip_status for result in results] == [200] * len(results)
        wait_for(node.healthy, "a healthy node", within=30)
        for result in results:
            record = node.record(result.call_id, within=30)  # which asserts that there is one only
            assert record["status"] == "completed", record
            assert record["duration"] == pytest.approx(result.timeline.ended - result.timeline.answered, abs=1.0)


@pytest.mark.timeout(120)
def test_nothing_is_left_of_a_killed_node(tmp_path: Path) -> None:
    node = LiveNode(tmp_path / "orphans").start()
    assert node.process is not None
    children = set(_tree(node.process.pid)) - {node.process.pid}
    assert len(children) > 10
    node.process.kill()
    node.process.wait()
    wait_for(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "the end of all its processes", within=10
    )
    # And the same home starts again at once.
    with node:
        assert node.healthy()


@pytest.mark.timeout(120)
def test_a_stop_lets_a_running_call_finish(tmp_path: Path) -> None:
    node = LiveNode(tmp_path / "drain", environment={"TRUNKLINE_DRAIN_SECONDS": "20"}).start()
    with PbxProcess() as pbx, PbxProcess() as late:
        trunk = node.make_trunk()
        call = pbx.place_call(trunk.plan(node, ECHO, seconds=4.0))
        pbx.wait_until(lambda: pbx.result(call).timeline.answered is not None, "the answer")
        assert node.process is not None
        node.process.send_signal(signal.SIGTERM)
        refused = wait_for(lambda: _refused(late, trunk.plan(node, ECHO, seconds=0.2)), "a 503 to a new call")
        assert "503" in refused
        result = pbx.result(call, wait=20)
        assert result.ended_by == "caller", result
        assert result.timeline.ended - result.timeline.answered == pytest.approx(4.0, abs=0.5)
        assert node.process.wait(30) == 0
    node.assert_nothing_left()
    node.assert_no_traceback()


def _refused(agent: PbxProcess, plan: object) -> str | None:
    result = agent.call(plan)  # type: ignore[arg-type]
    return f"{result.sip_status} {result.sip_reason}" if result.sip_status == 503 else None


def _tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _tree(int(child))
    return found
