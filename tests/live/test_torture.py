# ruff: noqa: E501  messages are data, a header a line
"""Messages that nobody should send, against a running edge: no crash, no traceback, no process replaced, memory flat.

RFC 4475, mutations of good requests (3,000 here, 100,000 by `make torture`: TRUNKLINE_TORTURE), injections, SIPVicious.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from live_node import LiveNode, LiveTrunk, wait_for
from plain_sip import own_address
from raw_sip import sdp
from sip_mutations import LONGEST, NASTY, mutated
from torture_messages import torture

from trunkline.engines.kamailio.ban_list import BanList
from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.testbench.sip_text import parse_sip

pytestmark = pytest.mark.live

COUNT = int(os.environ.get("TRUNKLINE_TORTURE") or 3000)
SEED = 4475
CALLED = "+15550100486"
PBX = own_address()
"""The address of a PBX that the trunk's list lets in: what it sends goes all the way, to the carrier."""
NOT_KAMAILIOS = {"wsinv", "intmeth"}
"""Valid, and dropped by Kamailio's own parser: a CSeq over two lines, a header whose name holds an apostrophe."""
GROWTH_KIB = 1024
"""Of one process, over all messages: what the allocators' rounding may be."""


class BusyCarrier:
    """A carrier that is busy, whoever calls: it answers each INVITE with 486, and remembers what it was sent."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((own_address(), 0))
        self._socket.settimeout(0.2)
        self.address = "{}:{}".format(*self._socket.getsockname())
        self.seen: list[bytes] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                request, peer = self._socket.recvfrom(65535)
            except TimeoutError:
                continue
            self.seen.append(request)
            del self.seen[:-50]
            head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
            if head[0].startswith(b"ACK "):
                continue
            kept = (b"via", b"from", b"to", b"call-id", b"cseq", b"v", b"f", b"t", b"i")
            lines = [line for line in head[1:] if line.partition(b":")[0].strip().lower() in kept]
            status = b"SIP/2.0 486 Busy Here" if head[0].startswith(b"INVITE") else b"SIP/2.0 200 OK"
            self._socket.sendto(b"\r\n".join([status, *lines, b"Content-Length: 0", b"", b""]), peer)


@pytest.fixture(scope="module")
def busy() -> Iterator[BusyCarrier]:
    with BusyCarrier() as carrier:
        yield carrier


@pytest.fixture(scope="module")
def tortured(tmp_path_factory: pytest.TempPathFactory, busy: BusyCarrier) -> Iterator[LiveNode]:
    with LiveNode(tmp_path_factory.mktemp("torture") / "home", demo=False) as running:
        carrier = running.api.post("/trunkline/v1/Carriers", FriendlyName="busy")["sid"]
        running.api.post(f"/trunkline/v1/Carriers/{carrier}/Targets", SipUri=f"sip:{busy.address};transport=udp")
        yield running


@pytest.fixture(scope="module")
def open_trunk(tortured: LiveNode) -> LiveTrunk:
    return tortured.make_trunk(credentials=False, acl=f"{PBX}/32")


def processes(node: LiveNode) -> list[tuple[int, str]]:
    found = KamailioRpc(edge_socket(node.settings)).call("core.psx")
    assert isinstance(found, list)
    return [(int(process["PID"]), str(process["DSC"])) for process in found]


def own_memory(node: LiveNode) -> dict[int, int]:
    """KiB that each process of the edge holds for itself alone."""
    sizes = {}
    for pid, _ in processes(node):
        rows = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        sizes[pid] = sum(int(row[1]) for row in rows if row[0] == "Anonymous:")
    return sizes


@contextmanager
def unhurt(node: LiveNode) -> Iterator[None]:
    """What a test sends in here leaves the same processes, no traceback and no bug behind."""
    before = processes(node)
    yield
    wait_for(node.healthy, "a healthy node")
    assert processes(node) == before
    # All of it, with the parts that it has moved on to: so many broken messages fill the first one.
    bad = [
        line
        for path in node.settings.log_dir.glob("trunkline.jsonl*")
        for line in path.read_text().splitlines()
        if any(word in line for word in ("Traceback", "BUG:", "CRITICAL:", "segfault"))
    ]
    assert bad == []


class Sender:
    def __init__(self, node: LiveNode, source: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((source, 0))
        self._socket.connect((node.host, node.sip_port))
        self.address = "{}:{}".format(*self._socket.getsockname())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, message: bytes) -> None:
        self._socket.send(message[: LONGEST + 5000])

    def received(self, within: float = 0.0) -> list[bytes]:
        """All that has come, and what comes until it is quiet for `within` seconds."""
        found = []
        self._socket.settimeout(within or 0.0001)
        try:
            while True:
                found.append(self._socket.recv(65535))
        except (TimeoutError, BlockingIOError):
            return found

    def ping(self) -> None:
        """Returns when the edge has worked off what was sent before."""
        mark = secrets.token_hex(6)
        request = (
            f"OPTIONS sip:ping SIP/2.0\r\nVia: SIP/2.0/UDP {self.address};branch=z9hG4bK{mark};rport\r\nMax-Forwards: 7\r\n"
            f"From: <sip:a@b>;tag={mark}\r\nTo: <sip:b@c>\r\nCall-ID: {mark}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        ).encode()
        for _ in range(20):
            self.send(request)
            self._socket.settimeout(0.25)
            try:
                while mark.encode() not in self._socket.recv(65535):
                    pass
            except TimeoutError:
                continue
            return
        raise AssertionError("the edge does not answer OPTIONS any more")


def good_requests(sender: Sender, trunk: LiveTrunk) -> list[str]:
    """One of each kind, with {n} where its own number belongs."""
    uri = f"sip:{CALLED}@{trunk.domain_name}"
    body = sdp().decode()
    made = []
    for method, more in (
        ("INVITE", ""),
        ("OPTIONS", ""),
        ("REGISTER", ""),
        ("BYE", ";tag=x"),
        ("CANCEL", ""),
        ("ACK", ";tag=y"),
    ):
        content = body if method == "INVITE" else ""
        kind = "Content-Type: application/sdp\r\n" if content else ""
        made.append(
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {sender.address};branch=z9hG4bKm{{n}};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{trunk.number}@pbx.example>;tag=m{{n}}\r\nTo: <{uri}>{more}\r\nCall-ID: mutant-{{n}}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:pbx@{sender.address}>\r\nUser-Agent: pbx\r\nSupported: timer, 100rel\r\nAllow: INVITE, ACK, BYE\r\n"
            f"P-Asserted-Identity: <sip:{trunk.number}@pbx.example>\r\nX-Custom: kept\r\n{kind}"
            f"Content-Length: {len(content)}\r\n\r\n{content}"
        )
    return [made[0], *made]  # INVITEs twice: they go the furthest


def test_rfc_4475(tortured: LiveNode) -> None:
    """Valid ones get an answer, from a source that is nobody's as much as from a known one; nothing is hurt."""
    messages = torture(f"{tortured.host}:{tortured.sip_port}")
    assert len({message.name for message in messages}) > 45
    with unhurt(tortured):
        silent = []
        for source in ("127.0.0.1", own_address()):
            with Sender(tortured, source) as sender:
                for message in messages:
                    sender.send(message.message)
                    answers = sender.received(0.03)
                    assert not [answer for answer in answers if b"Kamailio" in answer], message.name
                    if (
                        source == "127.0.0.1"
                        and message.valid
                        and not answers
                        and not message.message.startswith(b"SIP/")
                    ):
                        sender.send(message.message)
                        if not sender.received(1.0):
                            silent.append(message.name)
                wait_for(tortured.healthy, "a healthy node")
        assert set(silent) <= NOT_KAMAILIOS


@pytest.mark.timeout(600)
def test_mutated_messages(tortured: LiveNode, open_trunk: LiveTrunk) -> None:
    with Sender(tortured, PBX) as sender, unhurt(tortured):
        good = good_requests(sender, open_trunk)
        sender.send(good[0].replace("{n}", "first").encode())
        assert any(b" 486 " in answer.split(b"\r\n")[0] for answer in sender.received(1.0)), "the good one goes through"

        def numbered(n: int) -> bytes:
            return good[n % len(good)].replace("{n}", str(n)).encode()

        before: dict[int, int] = {}
        for n, message in enumerate(mutated(numbered, COUNT, SEED)):
            sender.send(message)
            if n % 40 == 0:
                sender.ping()
            if n == COUNT // 3:  # the processes have met everything by now
                before = own_memory(tortured)
        sender.ping()
        after = own_memory(tortured)
    growth = {pid: after[pid] - size for pid, size in before.items()}
    names = dict(processes(tortured))
    assert max(growth.values()) < GROWTH_KIB * max(1, COUNT // 20_000), {names[pid]: kib for pid, kib in growth.items()}


def test_injections_are_refused_or_carried_unchanged(
    tortured: LiveNode, open_trunk: LiveTrunk, busy: BusyCarrier
) -> None:
    """Each nasty text in each header of an admitted call: what the carrier sees of it is what was sent, or nothing."""
    names = ("User-Agent", "Subject", "X-Custom", "Contact", "Call-ID", "Diversion", "Organization")
    with Sender(tortured, PBX) as sender, unhurt(tortured):
        template = good_requests(sender, open_trunk)[0]
        for text in NASTY:
            if b"\n" in text or b"\x00" in text:
                continue  # these make other messages: test_mutated_messages
            for name in names:
                mark = secrets.token_hex(6)
                head, _, body = template.replace("{n}", mark).encode().partition(b"\r\n\r\n")
                lines = [line for line in head.split(b"\r\n") if not line.startswith(f"{name}:".encode())]
                lines.insert(2, f"{name}: ".encode() + text + b" " + mark.encode())
                sender.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            sender.ping()
        evil = [request for request in busy.seen if b"\r\nEvil:" in request]
        assert evil == []
    # What the records keep comes out of the API as JSON, and the tables are all there.
    assert list(tortured.api.list("/trunkline/v1/Calls"))


def test_nothing_told_by_status_headers_or_time(tortured: LiveNode) -> None:
    """A trunk that exists and one that does not, to somebody without credentials: the same but for what he sent."""
    trunk = tortured.make_trunk(credentials=False)
    hosts = (trunk.domain_name, f"t{secrets.token_hex(5)}.pstn.twilio.com")
    times: dict[str, list[float]] = {host: [] for host in hosts}
    told: dict[str, set[tuple[int, str, tuple[str, ...]]]] = {host: set() for host in hosts}
    with Sender(tortured, "127.0.0.1") as sender:
        for _ in range(60):
            for host in hosts:
                mark = secrets.token_hex(6)
                uri, body = f"sip:{CALLED}@{host}", sdp().decode()
                request = (
                    f"INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {sender.address};branch=z9hG4bK{mark};rport\r\nMax-Forwards: 70\r\n"
                    f"From: <sip:x@y>;tag={mark}\r\nTo: <{uri}>\r\nCall-ID: {mark}\r\nCSeq: 1 INVITE\r\nContact: <sip:x@{sender.address}>\r\n"
                    f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                )
                begun = time.perf_counter()
                sender.send(request.encode())
                sender._socket.settimeout(2)
                answer = parse_sip(sender._socket.recv(65535).decode())
                times[host].append(time.perf_counter() - begun)
                told[host].add((answer.sip_status, answer.sip_reason, tuple(name for name, _ in answer.headers)))
    there, not_there = (sorted(times[host])[len(times[host]) // 4] for host in hosts)
    assert told[hosts[0]] == told[hosts[1]]
    assert there == pytest.approx(not_there, rel=0.5, abs=0.0005)


# ---- SIPVicious -----------------------------------------------------------------------------------------------------


def vicious(node: LiveNode, program: str, source: str, *words: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt-get install sipvicious (scripts/install test does it)")
    home = node.home.parent / "vicious"
    home.mkdir(exist_ok=True)
    argv = [program, "-b", source, "-P", "0", "-p", str(node.sip_port), "-t", "0.01", *words, node.host]
    output = home / "output"
    with output.open("w") as file:
        process = subprocess.Popen(argv, stdout=file, stderr=file, env={**os.environ, "HOME": str(home)})
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:  # it goes on asking whoever does not answer
            process.kill()
            process.wait()
    return output.read_text()


@pytest.mark.parametrize("source", ["127.0.0.1", "a stranger"])
def test_sipvicious_finds_nothing(tortured: LiveNode, source: str) -> None:
    trunk = tortured.make_trunk()
    address = own_address() if source == "a stranger" else source
    with unhurt(tortured):
        mapped = vicious(tortured, "svmap", address)
        extensions = vicious(tortured, "svwar", address, "-e", "100-120", "--maximumtime", "3", "-m", "INVITE")
        guessed = vicious(
            tortured,
            "svcrack",
            address,
            "-u",
            trunk.username,
            "-r",
            "100-130",
            "--maximumtime",
            "3",
            "--domain",
            trunk.domain_name,
        )
    for name in ("kamailio", "trunkline", "rtpengine"):
        assert name not in mapped.lower()
    assert "reqauth" not in extensions
    assert "noauth" not in extensions
    assert "password" not in guessed.lower() or "found" not in guessed.lower()
    if source == "a stranger":
        banned = BanList(tortured.settings).find(address)
        assert banned is not None
        assert banned.offence.name == "SCANNER"
