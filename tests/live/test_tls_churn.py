"""TLS under churn on OpenSSL 3, where Kamailio 5.6 dies when two processes use TLS at once.

What is done about it: docs/decisions/0004-tls-front.md.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest
from live_node import LiveNode, free_ports

from trunkline.engines.kamailio.config import edge_socket, front_socket
from trunkline.engines.kamailio.rpc import KamailioRpc
from trunkline.node.ports import CARRIER_HOST
from trunkline.testbench.pbx import PbxProcess

ECHO = "+15550100000"
SECONDS = 60
RATE = 200


@contextmanager
def peers_that_are_down() -> Iterator[list[str]]:
    """Origination URLs of TLS peers that refuse the connection, hang up on it, and say nothing."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    async def listen() -> list[asyncio.Server]:
        return [await asyncio.start_server(kind, "127.0.0.1", 0) for kind in (hang_up, say_nothing)]

    servers = asyncio.run_coroutine_threadsafe(listen(), loop).result(5)
    ports = [*free_ports(1), *(server.sockets[0].getsockname()[1] for server in servers)]
    try:
        yield [f"sip:127.0.0.1:{port};transport=tls" for port in ports]
    finally:
        for server in servers:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


class CallsFromTheCarrier:
    """INVITEs to one number from the carrier's address, five a second: each tries every peer that is down."""

    def __init__(self, node: LiveNode, number: str) -> None:
        self._node, self._number = node, number
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.finals: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as carrier:
            carrier.bind((CARRIER_HOST, 0))
            carrier.settimeout(0.2)
            edge, n = (self._node.host, self._node.sip_port), 0
            while not self._stop.is_set():
                n += 1
                carrier.sendto(self._invite(n, carrier.getsockname()[1]), edge)
                try:
                    while True:
                        answer = carrier.recv(65535).decode()
                        if not answer.startswith("SIP/2.0 1"):
                            self.finals.append(answer.split("\r\n", 1)[0])
                            carrier.sendto(_ack(answer).encode(), edge)
                except TimeoutError:
                    pass

    def _invite(self, n: int, port: int) -> bytes:
        body = (
            f"v=0\r\no=- 1 1 IN IP4 {CARRIER_HOST}\r\ns=-\r\nc=IN IP4 {CARRIER_HOST}\r\nt=0 0\r\n"
            "m=audio 40000 RTP/AVP 0\r\n"
        )
        return (
            f"INVITE sip:{self._number}@{self._node.host}:{self._node.sip_port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {CARRIER_HOST}:{port};branch=z9hG4bKdown{n};rport\r\n"
            f"From: <sip:+15558880001@{CARRIER_HOST}>;tag=d{n}\r\n"
            f"To: <sip:{self._number}@{self._node.host}>\r\nCall-ID: down-{n}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:{CARRIER_HOST}:{port}>\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def _ack(answer: str) -> str:
    """The ACK to a refusal (RFC 3261 section 17.1.1.3)."""
    headers = dict(line.split(": ", 1) for line in answer.split("\r\n")[1:] if ": " in line)
    ruri = headers["To"].partition("<")[2].partition(">")[0]
    return (
        f"ACK {ruri} SIP/2.0\r\nVia: {headers['Via']}\r\nFrom: {headers['From']}\r\nTo: {headers['To']}\r\n"
        f"Call-ID: {headers['Call-ID']}\r\nCSeq: 1 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )


def workers(rpc: KamailioRpc) -> set[int]:
    processes = rpc.call("core.psx")
    assert isinstance(processes, list)
    return {int(process["PID"]) for process in processes}


@pytest.mark.timeout(180)
def test_churn_beside_calls_to_a_peer_that_is_down(tmp_path: Path) -> None:
    with (
        LiveNode(tmp_path / "churn") as node,
        peers_that_are_down() as dead,
        PbxProcess("--tls-port", "0", *_certificate(node)) as tls_pbx,
        PbxProcess() as udp_pbx,
    ):
        secure, plain = node.make_trunk(secure=True), node.make_trunk()
        for priority, url in enumerate(dead):
            node.api.add_origination_url(secure.sid, url, friendly_name=f"down {priority}", priority=priority)
        node.wait_published()
        before = {
            name: workers(KamailioRpc(path(node.settings)))
            for name, path in (("edge", edge_socket), ("front", front_socket))
        }
        churn = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("tls_churn.py")),
                "127.0.0.1",
                str(node.tls_port),
                str(SECONDS),
                str(RATE),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        # Beside the churn: one call over TLS all the time, short ones by UDP and TLS, calls to the peers that are down.
        long_call = tls_pbx.place_call(secure.plan(node, ECHO, transport="tls", srtp="mandatory", seconds=SECONDS - 5))
        with CallsFromTheCarrier(node, secure.number) as down:
            while churn.poll() is None:
                for agent, plan in (
                    (udp_pbx, plain.plan(node, ECHO, seconds=1.0)),
                    (tls_pbx, secure.plan(node, ECHO, transport="tls", srtp="mandatory", seconds=1.0)),
                ):
                    result = agent.call(plan)
                    assert result.sip_status == 200, result
                    assert result.media.tone is not None
                    assert result.media.tone.ratio > 0.9, result
        counted = json.loads(churn.communicate()[0])
        held = tls_pbx.result(long_call, wait=30)
        assert held.sip_status == 200, held
        assert held.timeline.ended - held.timeline.answered == pytest.approx(SECONDS - 5, abs=2), held
        assert counted["failed"] == 0, counted
        assert counted["answered"] >= 0.95 * SECONDS * RATE, counted
        assert len(down.finals) > 2 * SECONDS, down.finals
        assert set(down.finals) == {"SIP/2.0 480 Temporarily Unavailable"}, set(down.finals)
        for name, path in (("edge", edge_socket), ("front", front_socket)):
            assert workers(KamailioRpc(path(node.settings))) == before[name], f"a process of {name} was replaced"


def _certificate(node: LiveNode) -> list[str]:
    return ["--tls-cert", str(node.settings.tls_dir / "cert.pem"), "--tls-key", str(node.settings.tls_dir / "key.pem")]
