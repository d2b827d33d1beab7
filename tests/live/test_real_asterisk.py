"""The configuration that `trunkline pbx config --pbx asterisk` prints, in a real Asterisk: calls out and in by each way
that the trunk can know the PBX, what its dialplan dials, and its log through the analyzer. Where there is no Asterisk,
test_live_pbx_config.py tries the same values.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_carrier import CALLER, DemoCarrier, add_url, complaints
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import PlainSip
from real_asterisk import RealAsterisk, why_not

from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.pbx import PbxProcess
from trunkline.testbench.result import CallResult

pytestmark = [pytest.mark.live, pytest.mark.skipif(bool(why_not()), reason=why_not())]
ECHO, BUSY, DIGITS = "+15550100000", "+15550100486", "+15550100733"
PHONE = "127.0.0.77"
"""Asterisk takes everything from 127.0.0.1 as the trunk's: the phone has another address."""
CERTIFICATE = ("cert.pem", "fullchain.pem"), ("key.pem", "privkey.pem"), ("ca.pem", "trunk-ca.pem")
"""Files of the node that a secure PBX gets here: its own certificate may be any, the third is what the notes tell."""


@pytest.fixture(scope="module")
def phone() -> Iterator[PbxProcess]:
    with PbxProcess("--host", PHONE) as agent:
        agent.behave("answer", media="tone:700")
        yield agent
    assert agent.returncode == 0, agent.stderr()


def trunkline(node: LiveNode, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", *arguments],
        env=node.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def printed(node: LiveNode, trunk: LiveTrunk, way: str, *options: str) -> list[dict[str, Any]]:
    """What the user gets, as files."""
    given = ("--trunk", trunk.sid, "--auth", way, "--password", trunk.password, *options)
    done = trunkline(node, "pbx", "config", "--pbx", "asterisk", "--json", *given)
    assert done.returncode == 0, done.stderr
    files: list[dict[str, Any]] = json.loads(done.stdout)
    return files


def asterisk(folder: Path, node: LiveNode, files: list[dict[str, Any]], phone: PbxProcess) -> RealAsterisk:
    keys = folder / "keys"
    keys.mkdir()
    for ours, theirs in CERTIFICATE:
        (keys / theirs).write_bytes((node.settings.tls_dir / ours).read_bytes())
    return RealAsterisk(folder / "pbx", files, phone=phone.sip_uri, keys=keys)


def dial(pbx: RealAsterisk, phone: PbxProcess, number: str, **changes: Any) -> CallResult:
    """The phone dials; Asterisk's dialplan sends the call to the trunk."""
    there = f"{PHONE}:{pbx.phones_port}"
    plan = {"to": f"sip:{number}@{there}", "via": f"sip:{there};transport=udp", "caller": "100", "seconds": 2.0}
    return phone.call(CallPlan(**{**plan, **changes}))


def records(node: LiveNode, trunk: LiveTrunk, called: str) -> list[Any]:
    """Of the trunk's calls to this number that are over, newest first."""
    calls = node.api.list("/trunkline/v1/Calls", To=called, most=50)
    return [call for call in calls if call["trunk_sid"] == trunk.sid and call["ended_us"] is not None]


def newest(node: LiveNode, trunk: LiveTrunk, called: str, *, of: int = 1) -> Any:
    """The last one, once there are so many."""
    return wait_for(lambda: len(found := records(node, trunk, called)) == of and found, f"record {of} of {called}")[0]


def heard(result: CallResult) -> bool:
    return result.media.tone is not None and result.media.tone.heard


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "secure"])
@pytest.mark.parametrize("way", ["credentials", "address", "registration"])
def test_calls_go_out_and_come_in(
    node: LiveNode, carrier: DemoCarrier, phone: PbxProcess, tmp_path: Path, way: str, secure: bool
) -> None:
    by_address = way == "address"
    trunk = node.make_trunk(
        secure=secure,
        credentials=not by_address,
        acl="127.0.0.1/32" if by_address else None,
        **({"Registration": "allowed"} if way == "registration" else {}),
    )
    with asterisk(tmp_path, node, printed(node, trunk, way), phone) as pbx:
        # By a registration calls come over its flow; otherwise the trunk has to be told where the PBX is.
        if way == "registration":
            pbx.wait_registered()
        else:
            add_url(node, trunk, f"sip:127.0.0.1:{pbx.port}" + (";transport=tls" if secure else ""))
            node.wait_published()
        pbx.wait_reachable()

        out = dial(pbx, phone, ECHO)
        assert (out.sip_status, heard(out)) == (200, True), out
        record = newest(node, trunk, ECHO)
        assert (record["direction"], record["status"], record["caller"], record["called"]) == (
            "trunking-terminating",
            "completed",
            trunk.number,
            ECHO,
        )
        assert (record["secure"], record["ended_by"], record["codec"]) == (secure, "caller", "PCMU")
        assert record["user_agent"].startswith("Asterisk")
        for side in ("customer_side", "carrier_side"):
            assert record[side]["packets"] == pytest.approx(100, abs=15), record
        assert complaints(node, record["sip_call_id"]) == []

        taken = len(phone.seen())
        came = carrier.call(carrier.plan(trunk.number, seconds=1.5, listen_hz=700.0))
        assert (came.sip_status, heard(came)) == (200, True), came
        (seen,) = phone.seen()[taken:]
        assert seen.caller == CALLER
        record = node.record(came.call_id)
        assert (record["status"], record["called"], record["secure"]) == ("completed", trunk.number, secure)
        assert complaints(node, came.call_id) == []
    assert pbx.complaints() == []


def test_a_trunk_that_cannot_prove_its_name_gets_no_call(node: LiveNode, phone: PbxProcess, tmp_path: Path) -> None:
    """The authority of the node's certificate is not one of the public ones, and the keys of SRTP go unread."""
    trunk = node.make_trunk(secure=True)
    with asterisk(tmp_path, node, printed(node, trunk, "credentials", "--public-ca"), phone) as pbx:
        assert dial(pbx, phone, ECHO).sip_status == 503
        wait_for(lambda: "The certificate is untrusted" in pbx.full_log.read_text(), "the reason in its log")
    assert records(node, trunk, ECHO) == []


def test_what_its_dialplan_dials(node: LiveNode, carrier: DemoCarrier, phone: PbxProcess, tmp_path: Path) -> None:
    """The called number as people type it, digits, a busy callee; and a call by contact, with the number in To."""
    trunk = node.make_trunk(Registration="allowed")
    with asterisk(tmp_path, node, printed(node, trunk, "registration"), phone) as pbx:
        pbx.wait_registered()
        for count, typed in enumerate((f"00{ECHO[1:]}", f"011{ECHO[1:]}"), 1):
            assert dial(pbx, phone, typed, seconds=0.5).sip_status == 200
            newest(node, trunk, ECHO, of=count)
        for count, typed in enumerate(("5552010404", "15552010404"), 1):
            assert dial(pbx, phone, typed).sip_status == 404
            newest(node, trunk, "+15552010404", of=count)
        busy = dial(pbx, phone, BUSY)
        assert busy.sip_status == 486, busy
        typed = dial(pbx, phone, DIGITS, digits="42#", seconds=5.0)
        assert typed.media.dtmf_received == "42#", typed

        taken = len(phone.seen())
        with PlainSip("127.0.0.1", pbx.port) as provider:
            for called in (trunk.number, trunk.username):
                to = f"<sip:{called}@{trunk.domain_name}>"
                answer = provider.invite(f"sip:{trunk.username}@127.0.0.1:{pbx.port}", headers={"To": to})
                assert answer.status == 200, answer
        wait_for(lambda: len(phone.seen()) == taken + 2, "both calls at the phone")
    assert pbx.complaints() == []


def test_its_log_is_read_whole(node: LiveNode, phone: PbxProcess, tmp_path: Path) -> None:
    """Every message that Asterisk logged, in its log file and on its console, and the calls that they were."""
    trunk = node.make_trunk()
    with asterisk(tmp_path, node, printed(node, trunk, "credentials"), phone) as pbx:
        assert dial(pbx, phone, ECHO).sip_status == 200
        assert dial(pbx, phone, BUSY).sip_status == 486
    messages = pbx.messages()
    assert messages > 20
    for file in (pbx.full_log, pbx.console_file):
        done = trunkline(node, "analyze", str(file), "--provider", "trunkline", "--json")
        report = json.loads(done.stdout)
        assert (report["files"][0]["format"], report["sip"]["messages"]) == ("text:asterisk-pjsip", messages), report
        assert report["damage"] == []
        calls = {(call["called"], call["status"]) for call in report["calls"] if call["kind"] == "call"}
        assert {(ECHO, "completed"), (BUSY, "busy")} <= calls


def test_a_wrong_password_is_explained_from_its_log(node: LiveNode, phone: PbxProcess, tmp_path: Path) -> None:
    trunk = node.make_trunk()
    with asterisk(tmp_path, node, printed(node, trunk, "credentials", "--password", "wrong"), phone) as pbx:
        assert dial(pbx, phone, ECHO).sip_status not in (None, 200)
    done = trunkline(node, "analyze", str(pbx.full_log), "--provider", "trunkline", "--json")
    rules = {finding["rule"] for finding in json.loads(done.stdout)["findings"]}
    assert "AUTH-03" in rules, rules
