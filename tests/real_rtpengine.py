"""A real rtpengine on loopback for one test, and endpoints that speak real RTP and RTCP (RFC 3550) with it."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from trunkline.engines.rtpengine import config
from trunkline.engines.rtpengine.ng import NgClient, Request
from trunkline.settings import Settings

READY_WITHIN = 10.0  # seconds
GONE_WITHIN = 5.0  # seconds; DELETE_AFTER and rtpengine's clock make it up to 2
NTP_EPOCH = 2_208_988_800
PORTS = 200
"""Width of a test's range of RTP ports."""


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RealRtpengine:
    """Started by the argument vector of `config.command`; ended by its id."""

    def __init__(self, **settings: Any) -> None:
        if shutil.which("rtpengine") is None:
            pytest.fail("rtpengine is not installed: apt-get install rtpengine-daemon", pytrace=False)
        first = min(free_port(), 65000 - PORTS)
        chosen = {"rtp_ports": (first, first + PORTS - 1), "home": Path("/nowhere"), **settings}
        self.settings = Settings(**chosen)
        self.ng_port = free_port()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        self._process: subprocess.Popen[bytes] | None = None
        self.client = NgClient(self.ng_port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.client.close()
        self._log.close()

    def start(self) -> None:
        argv = config.command(self.settings, self.ng_port)
        self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + READY_WITHIN
        while not self.client.ping():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._log.seek(0)
                pytest.fail(f"rtpengine did not start:\n{self._log.read().decode(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def ask(self, command: str, **fields: object) -> dict[str, Any]:
        """One request, with `_` in a name for a dash."""
        cookie = f"test-{time.monotonic_ns()}"
        body = {"command": command} | {name.replace("_", "-"): value for name, value in fields.items()}
        return self.client.ask([Request(cookie, body)])[cookie]

    def wait_until_gone(self) -> None:
        """All calls were deleted: until rtpengine holds none of them any more."""
        deadline = time.monotonic() + GONE_WITHIN
        while held := self.client.calls():
            assert time.monotonic() < deadline, f"rtpengine still holds {held}"
            time.sleep(0.02)

    def connect(self, call_id: str, caller: Endpoint, callee: Endpoint) -> None:
        """Offer and answer: both endpoints then know where to send. Tags: `from` and `to`."""
        replaced = ["origin", "session-connection"]
        common: dict[str, object] = {"call_id": call_id, "from_tag": "from", "replace": replaced}
        callee.remote = _media_port(self.ask("offer", sdp=caller.sdp(), **common))
        caller.remote = _media_port(self.ask("answer", to_tag="to", sdp=callee.sdp(), **common))


def _media_port(reply: dict[str, Any]) -> int:
    assert reply["result"] == "ok", reply
    return int(reply["sdp"].partition("m=audio ")[2].split()[0])


class Endpoint:
    """One side of a call: sends PCMA, counts what arrives, reports by RTCP what it lost."""

    def __init__(self, ssrc: int, sequence: int = 0, drop: Callable[[int], bool] = lambda _: False) -> None:
        """`drop`: which of its packets (by number) never leave, as if lost on the way to us."""
        self.ssrc, self._sequence, self._drop = ssrc, sequence, drop
        self._rtp, self._rtcp = _socket_pair()
        self.port: int = self._rtp.getsockname()[1]
        self.announced = self.port
        """The port in its SDP: another one is an endpoint behind NAT."""
        self.remote = 0
        self.sent = 0
        self.received: list[int] = []
        """Sequence numbers without wrapping."""
        self._heard_ssrc: int | None = None
        self._last_report = (0, 0.0)  # middle 32 bits of its NTP time, and when it came
        self._reported = (0, 0)  # expected and lost at our last report

    def close(self) -> None:
        self._rtp.close()
        self._rtcp.close()

    def sdp(self) -> str:
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.announced} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=rtcp:{self.announced + 1}\r\n"
        )

    def send(self, number: int) -> None:
        """RTP packet `number` of its stream: 20 ms of silence."""
        if not self._drop(number):
            header = struct.pack("!BBHII", 0x80, 8, (self._sequence + number) & 0xFFFF, number * 160, self.ssrc)
            self._rtp.sendto(header + b"\xd5" * 160, ("127.0.0.1", self.remote))
            self.sent += 1

    def receive(self) -> None:
        """Take what has arrived."""
        while packet := _next(self._rtp):
            sequence, _, self._heard_ssrc = struct.unpack("!HII", packet[2:12])
            if self.received:
                last = self.received[-1]
                sequence += last & ~0xFFFF
                sequence += 0x10000 if sequence < last - 0x8000 else 0
            self.received.append(sequence)
        while packet := _next(self._rtcp):
            if packet[1] == 200:
                self._last_report = (struct.unpack("!I", packet[10:14])[0], time.time())

    @property
    def lost(self) -> int:
        """RFC 3550 appendix A.3: expected less received."""
        return self.received[-1] - self.received[0] + 1 - len(self.received) if self.received else 0

    def report(self) -> None:
        """A sender report with what was lost of the other's stream (RFC 3550 section 6.4.1)."""
        now = time.time() + NTP_EPOCH
        block = self._report_block(time.time())
        head = struct.pack("!BBHI", 0x80 | bool(block), 200, 6 + len(block) // 4, self.ssrc)
        times = struct.pack("!IIIII", int(now), int(now % 1 * 2**32), self.sent * 160, self.sent, self.sent * 160)
        self._rtcp.sendto(head + times + block, ("127.0.0.1", self.remote + 1))

    def _report_block(self, now: float) -> bytes:
        if not self.received or self._heard_ssrc is None:
            return b""
        expected, lost = self.received[-1] - self.received[0] + 1, self.lost
        expected_now, lost_now = expected - self._reported[0], lost - self._reported[1]
        self._reported = (expected, lost)
        fraction = max(0, lost_now) * 256 // expected_now if expected_now else 0
        last, came_at = self._last_report
        delay = max(1, int((now - came_at) * 65536)) if last else 0
        highest, jitter = self.received[-1] & 0xFFFFFFFF, 16  # timestamp units: 2 ms
        return struct.pack("!IIIIII", self._heard_ssrc, fraction << 24 | lost & 0xFFFFFF, highest, jitter, last, delay)


def talk(caller: Endpoint, callee: Endpoint, packets: int, *, pace: float = 0.01, report_every: int = 120) -> None:
    """Both send; `report_every`: packets between reports, which rtpengine takes at most once a second. 0: none."""
    for number in range(packets):
        caller.send(number)
        callee.send(number)
        time.sleep(pace)
        caller.receive()
        callee.receive()
        if report_every and number % report_every == report_every - 1:
            caller.report()
            callee.report()
    time.sleep(0.05)
    caller.receive()
    callee.receive()


def _next(sock: socket.socket) -> bytes:
    try:
        return sock.recv(2048)
    except BlockingIOError:
        return b""


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Neighbouring ports, the first one even."""
    while True:
        first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        try:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if port % 2 == 0:
                second.bind(("127.0.0.1", port + 1))
                first.setblocking(False)
                second.setblocking(False)
                return first, second
        except OSError:
            pass
        first.close()
        second.close()
