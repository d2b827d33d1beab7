"""A call that failed is explained: the analyzer's findings stand beside its record."""

from __future__ import annotations

import gzip
import subprocess
import sys

import httpx
import pytest
from demo_carrier import add_url
from live_node import LiveNode, wait_for
from plain_sip import Credentials, PlainSip
from raw_trunk import CARRIER_HOST, PBX_HOST, RawTrunk

from trunkline.analyzer import analyze
from trunkline.api.client import ApiRefused, View

pytestmark = pytest.mark.live


def analysis_of(node: LiveNode, sid: str) -> View:
    def there() -> View | None:
        try:
            return node.api.get(f"/trunkline/v1/Calls/{sid}/Analysis")
        except ApiRefused:
            return None

    return wait_for(there, f"the analysis of {sid}", within=15.0)


def test_a_refused_number_is_explained_in_the_api_and_by_the_command(node: LiveNode) -> None:
    trunk = node.make_trunk()
    node.wait_published()
    with PlainSip(node.settings.sip_host, node.settings.sip_port) as pbx:
        reply = pbx.invite(
            f"sip:0049301234567@{trunk.domain_name}",
            caller=trunk.number,
            credentials=Credentials(trunk.username, trunk.password),
        )
    assert reply.status == 400
    record = node.record(reply.call_id)
    found = analysis_of(node, record["sid"])
    problems = {finding["rule"] for finding in found["findings"] if finding["severity"] != "info"}
    assert "NUM-01" in problems
    assert found["sip"]["messages"] >= 6
    assert found["profile"]["name"] == "trunkline"

    answer = httpx.get(
        f"{node.settings.api_url}/trunkline/v1/Calls/{record['sid']}/Trace",
        auth=(node.demo["account_sid"], node.demo["auth_token"]),
        trust_env=False,
    )
    assert answer.content[:4] == b"\xd4\xc3\xb2\xa1"
    assert len(analyze(answer.content).trace.messages) >= 6
    assert len(gzip.compress(answer.content)) < 8192

    argv = [sys.executable, "-m", "trunkline.cli.main", "explain", record["sid"], "--home", str(node.settings.home)]
    shown = subprocess.run(
        [*argv, "--http-port", str(node.settings.http_port)], capture_output=True, text=True, check=True, timeout=30
    )
    assert "32101" in shown.stdout
    assert "NUM-01" in shown.stdout


@pytest.mark.parametrize("call_id", [f"4711@{CARRIER_HOST}", "only-letters-and-digits"], ids=["hidden", "shown"])
def test_a_pbx_that_refuses_is_explained_from_its_own_messages(node: LiveNode, call_id: str) -> None:
    """Origination. A Call-ID that names the carrier's host is not shown to the PBX, whose messages have another one."""
    with RawTrunk(node) as raw, raw.pbx() as pbx:
        add_url(node, raw.trunk, f"sip:{PBX_HOST}:{pbx.port}")
        node.wait_published()
        dialog = raw.carrier.new_dialog(f"sip:{raw.trunk.number}@{node.host}", "+15558675309", call_id=call_id)
        raw.carrier.send(raw.carrier.request(dialog, "INVITE", body=raw.carrier.sdp()))
        invite = pbx.wait_request("INVITE")
        assert (invite.first("Call-ID") == call_id) == ("@" not in call_id)
        pbx.respond(invite, 404)
        raw.carrier.ack(dialog, raw.carrier.final(dialog))
        record = node.record(call_id)
    found = analysis_of(node, record["sid"])
    # INVITE, 404 and ACK: of the PBX's side alone.
    assert found["sip"]["messages"] == 3, (record, found)
    assert "NUM-02" in {finding["rule"] for finding in found["findings"] if finding["severity"] != "info"}
