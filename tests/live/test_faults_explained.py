"""The faults that the simulated PBX and carrier can play, each chosen by its command, with real packets: the analyzer
finds each in the capture that the command saved.
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from live_node import LiveNode, LiveTrunk, wait_for
from public_capture import public

from trunkline.analyzer import analyze
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Options
from trunkline.testbench.fault_caller import FaultyCall, place_faulty_call
from trunkline.testbench.faults import FAULTS, choose
from trunkline.testbench.raw_agent import RawAgent

pytestmark = pytest.mark.live

ECHO, TONE, HANGS_UP = "+15550100000", "+15550100440", "+15550123003"
FOUND = {
    "lost-ack": {"DLG-01"},
    "private-sdp": {"SDP-01"},
    "private-contact": {"NAT-03"},
    "dtmf-wrong-payload-type": {"DTMF-04"},
    "dtmf-in-band": {"DTMF-01", "DTMF-03"},
    "dtmf-info": {"DTMF-02"},
    "one-way-rtp": {"MEDIA-02", "MEDIA-06"},
    "rtp-other-port": {"MEDIA-04"},
    "no-bye": {"DLG-04"},
    "malformed-sdp": {"SDP-07"},
    "wrong-cseq": {"AUTH-15"},
    "retransmission-storm": {"TIME-04"},
    "loss=10": {"QUAL-01"},
    "jitter=200": {"QUAL-02"},
    "tls-1.0": {"NET-04"},
}
"""Fault of the PBX to what must be found; one of them is enough."""
CALLED = {"one-way-rtp": TONE, "no-bye": HANGS_UP}
SECONDS = {"one-way-rtp": 5.0, "no-bye": 9.0, "loss=10": 4.0, "jitter=200": 4.0}
"""How long it talks, where 2.5 s prove nothing. The carrier's BYE to the one that went away is repeated until 7 s."""

FOUND_AT_CARRIER = {
    "private-sdp": {"SDP-01"},
    "private-contact": {"NAT-03"},
    "one-way-rtp": {"MEDIA-02"},
    "rtp-other-port": {"MEDIA-04"},
    "no-bye": {"DLG-04"},
    "late-200": {"CANCEL-03"},
    "session-interval-422": {"TIMER-01"},
    "session-expires-drop": {"TIMER-02"},
    "refuse-488": {"COD-01"},
    "malformed-sdp": {"SDP-07"},
    "retransmission-storm": {"TIME-04"},
    "loss": {"QUAL-01"},
    "jitter": {"QUAL-02"},
    "tls-expired-certificate": {"NET-06"},
    "tls-1.0": {"NET-04"},
}
"""The same for the carrier."""
REMARKS = ("CANCEL-03",)
"""Right behaviour of a call that crossed: a remark, no problem."""
BUSY_MACHINE = {"QUAL-02", "QUAL-03", "MEDIA-05", "TIME-02"}
"""What a machine with other work does to a call without a fault."""


def name_of(fault: str) -> str:
    return fault.partition("=")[0]


def test_every_fault_of_both_commands_is_judged_here() -> None:
    for side, judged in (("pbx", FOUND), ("carrier", FOUND_AT_CARRIER)):
        assert {name_of(fault) for fault in judged} == {f.name for f in FAULTS if side in f.sides} - {"none"}
    text = (Path(__file__).parents[2] / "docs" / "testbench.md").read_text()
    for fault, rules in [*FOUND.items(), *FOUND_AT_CARRIER.items()]:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name_of(fault)}`"))
        assert all(rule in row for rule in rules), row


def findings(capture: bytes) -> list[Finding]:
    return analyze(public(capture), Options(provider="trunkline")).findings


# ---- the PBX --------------------------------------------------------------------------------------------------------


def captured(node: LiveNode, fault: str, capture: Path) -> bytes:
    """The packets of a call with this fault."""
    argv = [sys.executable, "-m", "trunkline.cli.main", "call", CALLED.get(fault, ECHO)]
    argv += ["--home", str(node.settings.home), "--fault", fault, "--capture", str(capture)]
    argv += ["--seconds", str(SECONDS.get(fault, 2.5))]
    if fault.startswith("dtmf"):
        argv += ["--digits", "159"]
    with strict_trunk() if fault == "wrong-cseq" else nullcontext([]) as options:
        done = subprocess.run([*argv, *options], capture_output=True, text=True, timeout=100, check=False)
    assert capture.exists(), done.stderr
    return capture.read_bytes()


@contextmanager
def strict_trunk() -> Iterator[list[str]]:
    """The options of a call to a trunk that takes a request with the CSeq of an earlier one for its copy (RFC 3261
    section 8.2.2.2). Ours looks away: that call works, and nothing is found.
    """
    stop = Event()
    with RawAgent(("127.0.0.1", 9)) as trunk:

        def serve() -> None:
            while not stop.is_set():
                for datagram in trunk.poll(0.05):
                    trunk.peer, sip = datagram.peer, datagram.sip
                    if sip.method == "INVITE" and sip.first("Proxy-Authorization"):
                        trunk.respond(sip, 482, "Merged Request", tag="strict")
                    elif sip.method == "INVITE":
                        asked = 'Proxy-Authenticate: Digest realm="strict.example", nonce="n", qop="auth"\r\n'
                        trunk.respond(sip, 407, "Proxy Authentication Required", tag="strict", headers=asked)

        thread = Thread(target=serve)
        thread.start()
        try:
            of_caller = ["--domain", "strict.example", "--username", "pbx", "--password", "Secret123456"]
            yield ["--via", f"sip:127.0.0.1:{trunk.port}", *of_caller]
        finally:
            stop.set()
            thread.join()


@pytest.mark.timeout(300)
def test_each_fault_is_found_in_its_capture(node: LiveNode, tmp_path: Path) -> None:
    faults = [*FOUND, "none"]
    with ThreadPoolExecutor(4) as pool:
        captures = list(pool.map(lambda fault: captured(node, fault, tmp_path / f"{fault}.pcap"), faults))
    missed = {}
    for fault, capture in zip(faults, captures, strict=True):
        rules = {f.rule for f in findings(capture) if f.severity != "info"}
        if fault == "none":
            assert rules == set(), "a run without a fault"
        elif not FOUND[fault] & rules:
            missed[fault] = rules
    assert missed == {}


# ---- the carrier ----------------------------------------------------------------------------------------------------


class Faulty:
    """A carrier with a fault: its process, its number, and its place in the node's API."""

    def __init__(self, fault: str, host: str, number: str, folder: Path) -> None:
        """The command, on a port that the kernel picks."""
        self.fault, self.number = fault, number
        self.capture = folder / f"{fault}.pcap"
        self.path, self.printed = "", list[dict[str, Any]]()
        argv = [sys.executable, "-m", "trunkline.cli.main", "carrier", "--fault", fault, "--host", host, "--port", "0"]
        self._process = subprocess.Popen(
            [*argv, "--capture", str(self.capture)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def join(self, node: LiveNode) -> None:
        """Calls to its number go here first."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        ready = json.loads(line)
        assert (ready["event"], ready["fault"]) == ("ready", name_of(self.fault))
        made = node.api.post("/trunkline/v1/Carriers", FriendlyName=self.fault, ProbeSeconds=0, Priority=1)
        self.path = f"/trunkline/v1/Carriers/{made['sid']}"
        (uri,) = ready["sip_uris"].values()
        node.api.post(f"{self.path}/Targets", SipUri=uri)
        node.api.post(f"{self.path}/Rates", Prefix=self.number, PricePerMinute="0.01")

    def stop(self) -> None:
        """Ctrl-C, as people end it."""
        self._process.send_signal(signal.SIGINT)
        out, err = self._process.communicate(timeout=30)
        self.printed += [json.loads(line) for line in out.splitlines()]
        assert (self._process.returncode, err) == (0, ""), self.fault

    def clear(self, node: LiveNode) -> None:
        """Whatever came of the test."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        if self.path:
            node.api.delete(self.path)


@contextmanager
def carriers(node: LiveNode, faults: list[str], folder: Path) -> Iterator[list[Faulty]]:
    """All of them at once, each with an address of its own."""
    net, label = f"127.0.{100 + secrets.randbelow(100)}", f"{secrets.randbelow(10**5):05d}"
    started = [Faulty(fault, f"{net}.{n}", f"+1555{label}{n:02d}", folder) for n, fault in enumerate(faults, 1)]
    try:
        for one in started:
            one.join(node)
        node.wait_published()
        yield started
        for one in started:
            one.stop()
    finally:
        for one in started:
            one.clear(node)
        node.wait_published()


def call(node: LiveNode, trunk: LiveTrunk, one: Faulty) -> str:
    """A call by a PBX without a fault, as long as the carrier's needs to show. Its Call-ID."""
    seconds = {"no-bye": 2.5, "loss": 4.0, "jitter": 4.0, "session-expires-drop": 6.0}.get(one.fault, 3.0)
    to = f"sip:{one.number}@{trunk.domain_name}"
    if one.fault.startswith("late-200"):
        return give_up(node, trunk, to)
    plan = FaultyCall(to, node.sip_uri(), trunk.number, trunk.username, trunk.password, seconds=seconds, digits="")
    return place_faulty_call(plan, choose("none", "pbx")).call_id


def give_up(node: LiveNode, trunk: LiveTrunk, to: str) -> str:
    """CANCEL while it rings. Whoever answers all the same gets ACK and BYE."""
    with RawAgent((node.host, node.sip_port)) as pbx:
        dialog = pbx.new_dialog(to, trunk.number)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
        challenge = pbx.final(dialog)
        pbx.ack(dialog, challenge)
        pbx.authorize(dialog, challenge, "INVITE", trunk.username, trunk.password)
        pbx.received.clear()
        branch = "z9hG4bK" + secrets.token_hex(6)
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp(), branch=branch))
        pbx.wait(lambda m: m.sip_status == 180, "180")
        pbx.send(pbx.request(dialog, "CANCEL", branch=branch))
        answer = pbx.final(dialog)
        pbx.ack(dialog, answer)
        if answer.sip_status < 300:
            pbx.send(pbx.request(dialog, "BYE"))
            pbx.final(dialog, "BYE")
        return dialog.call_id


@pytest.mark.timeout(300)
def test_each_fault_of_a_carrier_is_found_in_its_capture(node: LiveNode, tmp_path: Path) -> None:
    trunk = node.make_trunk()
    with carriers(node, [*FOUND_AT_CARRIER, "none"], tmp_path) as started:
        with ThreadPoolExecutor(len(started)) as pool:
            placed = list(pool.map(lambda one: call(node, trunk, one), started))
        away = next(one for one in started if one.fault == "no-bye")
        wait_for(
            lambda: away.capture.read_bytes().count(b"BYE sip:") >= 4, "the node's BYE, again and again", within=15
        )
    missed = {}
    for one, call_id in zip(started, placed, strict=True):
        rules = {f.rule for f in findings(one.capture.read_bytes()) if f.severity != "info" or f.rule in REMARKS}
        if one.fault == "none":
            assert rules - BUSY_MACHINE == set(), "a run without a fault"
        elif not FOUND_AT_CARRIER[one.fault] & rules:
            missed[one.fault] = (rules, one.printed)
        elif one.fault.startswith("tls"):
            assert_no_call_came_through(node, one, call_id)
    assert missed == {}


def assert_no_call_came_through(node: LiveNode, one: Faulty, call_id: str) -> None:
    """Of TLS nothing but the handshake is in the capture; who was called in vain, and by what, stands in the record."""
    handshakes = [line["outcome"] for line in one.printed if line["event"] == "handshake"]
    assert handshakes, one.fault
    if one.fault == "tls-1.0":
        assert set(handshakes) == {"UNSUPPORTED_PROTOCOL"}
    first, second = node.record(call_id)["attempts"]
    assert first["uri"].endswith(";transport=tls")
    assert (first["outcome"], first["sip_status"], first["next"]) == ("failed", 408, "nothing came back in time")
    assert second["carrier_sid"] != first["carrier_sid"]
