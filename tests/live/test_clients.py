"""Programs that are not ours: baresip places calls, sipsak and `trunkline ping` ask whether anybody is there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import baresip
import pytest
from live_node import LiveNode

ECHO = "+15550100000"

pytestmark = pytest.mark.live


@pytest.mark.parametrize(("transport", "secure"), [("udp", False), ("tcp", False), ("tls", True)])
def test_baresip_places_a_call(node: LiveNode, tmp_path: Path, transport: str, secure: bool) -> None:
    """Digest, audio both ways, BYE; over TLS with SRTP. Its SDP names whatever address it took for its own."""
    trunk = node.make_trunk(secure=secure)
    call = baresip.call(node, trunk, ECHO, tmp_path, transport=transport, srtp=secure)
    assert call.heard is not None, call.output
    assert call.heard.ratio > 0.95, call
    assert call.heard.tone_seconds > 2.5, call
    record = node.record(call.call_id)
    assert (record["status"], record["sip_status"], record["ended_by"], record["codec"]) == (
        "completed",
        200,
        "caller",
        "PCMU",
    ), record
    assert record["user_agent"].startswith("baresip")
    assert record["secure"] is secure
    assert record["source_address"].startswith(f"{transport}:127.0.0.1:")
    expected = 50 * (record["ended_us"] - record["answered_us"]) / 1e6
    for side in ("customer_side", "carrier_side"):
        assert record[side]["packets"] == pytest.approx(expected, abs=12), record
        assert record[side]["lost"] in (0, None), record
    assert record["alerts"] == []


def test_baresip_hears_that_the_callee_is_busy(node: LiveNode, tmp_path: Path) -> None:
    trunk = node.make_trunk()
    call = baresip.call(node, trunk, "+15550100486", tmp_path, seconds=1)
    assert "486 Busy Here" in call.output
    record = node.record(call.call_id)
    assert (record["status"], record["sip_status"], record["q850_cause"]) == ("busy", 486, 17)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_sipsak_gets_its_200(node: LiveNode, transport: str) -> None:
    if shutil.which("sipsak") is None:
        pytest.fail("sipsak is not installed: apt-get install sipsak")
    done = subprocess.run(
        ["sipsak", "-vv", "-E", transport, "-s", f"sip:anybody@{node.host}:{node.sip_port}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIP/2.0 200 OK" in done.stdout


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_trunkline_ping(node: LiveNode, transport: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "trunkline.cli.main",
            "ping",
            node.sip_uri(transport),
            "--count",
            "3",
            "--interval",
            "0.05",
            "--json",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env=node.environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"sip_status": 200' in done.stdout
    json.loads(done.stdout.splitlines()[-1] if not done.stdout.lstrip().startswith("{\n") else done.stdout)
