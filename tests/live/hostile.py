"""What the tests of hostile messages share: a carrier, a sender of any bytes, and how to see that a node is unhurt."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from live_node import LiveNode, wait_for
from plain_sip import own_address
from sip_mutations import LONGEST

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc

MARK = re.compile(rb"\r\nX-Mark: (\w+)")


class BusyCarrier:
    """A carrier that is busy, whoever calls: it answers each INVITE with 486, and remembers those with an X-Mark."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((own_address(), 0))
        self._socket.settimeout(0.2)
        self.address = "{}:{}".format(*self._socket.getsockname())
        self.marked: dict[str, list[bytes]] = {}
        """INVITEs, each as it came, by their X-Mark."""
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
            mark = MARK.search(request)
            if mark and request.startswith(b"INVITE "):
                self.marked.setdefault(mark[1].decode(), []).append(request)
            head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
            if head[0].startswith(b"ACK "):
                continue
            kept = (b"via", b"from", b"to", b"call-id", b"cseq", b"v", b"f", b"t", b"i")
            lines = [line for line in head[1:] if line.partition(b":")[0].strip().lower() in kept]
            status = b"SIP/2.0 486 Busy Here" if head[0].startswith(b"INVITE") else b"SIP/2.0 200 OK"
            self._socket.sendto(b"\r\n".join([status, *lines, b"Content-Length: 0", b"", b""]), peer)


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


def shared_memory(node: LiveNode) -> int:
    """KiB of Kamailio's shared memory that are in use when no transaction is left: each stays 5 s after its end."""
    rpc = KamailioRpc(edge_socket(node.settings))

    def asked(command: str) -> dict[str, int]:
        (found,) = replies if isinstance(replies := rpc.call(command), list) else (replies,)
        assert isinstance(found, dict)
        return found

    wait_for(lambda: asked("tm.stats")["current"] == 0, "the end of all transactions", within=60)
    return int(asked("core.shmmem")["used"]) // 1024


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
            f"OPTIONS sip:ping SIP/2.0\r\nVia: SIP/2.0/UDP {self.address};branch=z9hG4bK{mark};rport\r\n"
            f"Max-Forwards: 7\r\nFrom: <sip:a@b>;tag={mark}\r\nTo: <sip:b@c>\r\nCall-ID: {mark}\r\n"
            "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
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
