"""OPTIONS to a SIP URI, timed: is anybody there, and how fast does it answer (RFC 3261 section 11)."""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trunkline.testbench.sip_text import SipText, parse_sip

_T1 = 0.5
"""RFC 3261 section 17.1.2.2: first retransmission over UDP, doubled each time."""
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


class PingError(ValueError):
    """The target is no SIP URI, or its name has no address."""


@dataclass(frozen=True, slots=True)
class Target:
    uri: str
    """As asked for; it is the Request-URI."""
    host: str
    port: int
    transport: str
    """udp, tcp or tls."""


@dataclass(frozen=True, slots=True)
class Echo:
    """One OPTIONS."""

    sip_status: int | None
    """None: no answer."""
    sip_reason: str
    milliseconds: float | None
    """First byte sent → final response read; TCP and TLS include connecting."""
    server: str
    """Server or User-Agent of the answer."""
    failure: str | None
    """Why there is no answer."""


@dataclass(frozen=True, slots=True)
class PingReport:
    target: Target
    echoes: tuple[Echo, ...]

    @property
    def received(self) -> int:
        """How many had an answer, whatever its status: the peer is alive."""
        return sum(echo.sip_status is not None for echo in self.echoes)

    @property
    def loss(self) -> float:
        """0 to 1."""
        return 1 - self.received / len(self.echoes)

    @property
    def times(self) -> tuple[float, float, float] | None:
        """Minimum, mean, maximum in ms; None without an answer."""
        times = [echo.milliseconds for echo in self.echoes if echo.milliseconds is not None]
        return (min(times), sum(times) / len(times), max(times)) if times else None

    def to_json(self) -> dict[str, object]:
        low, mean, high = self.times or (None, None, None)
        return {
            "uri": self.target.uri,
            "address": f"{self.target.host}:{self.target.port}",
            "transport": self.target.transport,
            "sent": len(self.echoes),
            "received": self.received,
            "loss": round(self.loss, 4),
            "min_ms": low,
            "avg_ms": None if mean is None else round(mean, 3),
            "max_ms": high,
            "echoes": [
                {
                    "sip_status": e.sip_status,
                    "sip_reason": e.sip_reason,
                    "ms": e.milliseconds,
                    "server": e.server,
                    "failure": e.failure,
                }
                for e in self.echoes
            ],
        }


def parse_target(uri: str) -> Target:
    """`sip:[user@]host[:port][;transport=udp|tcp|tls]`, `sips:…`, or `host[:port]`. PingError for anything else."""
    secure = uri.lower().startswith("sips:")
    rest = uri.split(":", 1)[1] if uri.lower().startswith(("sip:", "sips:")) else uri
    hostport, *parameters = rest.rpartition("@")[2].split("?")[0].split(";")
    transport = "tls" if secure else "udp"
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.lower() == "transport":
            transport = "tls" if secure else value.lower()
    if transport not in _PORTS:
        raise PingError(f"{uri}: transport={transport} is none of udp, tcp, tls")
    if hostport.startswith("["):
        host, _, after = hostport[1:].partition("]")
        port = after.removeprefix(":")
    else:
        host, _, port = hostport.partition(":")
    if (
        not host
        or any(c.isspace() or c in '<>",' for c in rest)
        or (port and not (port.isdigit() and 0 < int(port) < 65536))
    ):
        raise PingError(f"{uri}: give a SIP URI such as sip:127.0.0.1:5060;transport=udp")
    full = uri if uri.lower().startswith(("sip:", "sips:")) else f"sip:{uri}"
    return Target(full, host, int(port) if port else _PORTS[transport], transport)


async def ping(
    target: Target,
    *,
    count: int = 3,
    interval: float = 0.5,
    patience: float = 2.0,
    ca: Path | None = None,
    on_echo: Callable[[Echo], None] | None = None,
) -> PingReport:
    """Send `count` OPTIONS, `interval` seconds apart, each waiting up to `patience` seconds for its answer.

    TLS: the certificate is checked against `ca`, or against the system's authorities; on loopback without `ca` it is
    not checked.
    PingError when the name has no address.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PingError(f"{target.uri}: {target.host} has no address ({error})") from error
    family, address = found[0][0], found[0][4]
    echoes: list[Echo] = []
    for n in range(count):
        if n:
            await asyncio.sleep(interval)
        echo = await _one(target, family, (str(address[0]), int(address[1])), n + 1, patience, ca)
        echoes.append(echo)
        if on_echo is not None:
            on_echo(echo)
    return PingReport(target, tuple(echoes))


async def _one(
    target: Target, family: int, address: tuple[str, int], sequence: int, patience: float, ca: Path | None
) -> Echo:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(patience):
            if target.transport == "udp":
                answer = await _over_udp(target, family, address, sequence)
            else:
                answer = await _over_stream(target, address, sequence, ca)
    except TimeoutError:
        return Echo(None, "", None, "", f"no answer within {patience:g} s")
    except OSError as error:
        return Echo(None, "", None, "", _why(error))
    took = round((time.perf_counter() - started) * 1000, 3)
    return Echo(answer.sip_status, answer.sip_reason, took, answer.first("Server") or answer.first("User-Agent"), None)


def _why(error: OSError) -> str:
    """asyncio's own texts hide what happened behind an address."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nobody listens there"
    return error.strerror or str(error) or type(error).__name__


async def _over_udp(target: Target, family: int, address: tuple[str, int], sequence: int) -> SipText:
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(address)  # connected: an ICMP "port unreachable" becomes ConnectionRefusedError
        call_id, request = _options(target, sock.getsockname(), sequence)
        wait = _T1
        while True:
            await loop.sock_sendall(sock, request)
            try:
                async with asyncio.timeout(wait):
                    while True:
                        answer = _final(await loop.sock_recv(sock, 65535), call_id)
                        if answer is not None:
                            return answer
            except TimeoutError:
                wait = min(2 * wait, 4.0)


async def _over_stream(target: Target, address: tuple[str, int], sequence: int, ca: Path | None) -> SipText:
    context = _tls_context(address[0], ca) if target.transport == "tls" else None
    reader, writer = await asyncio.open_connection(
        *address, ssl=context, server_hostname=target.host if context is not None else None
    )
    try:
        call_id, request = _options(target, writer.get_extra_info("sockname"), sequence)
        writer.write(request)
        await writer.drain()
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = parse_sip(head.decode("utf-8", "surrogateescape")).first("Content-Length")
            if length.isdigit():
                await reader.readexactly(int(length))
            answer = _final(head, call_id)
            if answer is not None:
                return answer
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError(0, "the peer closed the connection without an answer") from error
    except asyncio.LimitOverrunError as error:
        raise ConnectionError(0, "the answer is no SIP") from error
    finally:
        writer.transport.abort()


def _final(raw: bytes, call_id: str) -> SipText | None:
    answer = parse_sip(raw.decode("utf-8", "surrogateescape"))
    return answer if answer.first("Call-ID") == call_id and answer.sip_status >= 200 else None


def _tls_context(address: str, ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca) if ca is not None else None)
    if ca is None and (address.startswith("127.") or address == "::1"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _options(target: Target, local: tuple[str, int], sequence: int) -> tuple[str, bytes]:
    """Call-ID and the request. RFC 3261 section 8.1.1 has the headers that must be there, RFC 3581 the rport."""
    here = f"[{local[0]}]:{local[1]}" if ":" in local[0] else f"{local[0]}:{local[1]}"
    call_id = secrets.token_hex(12)
    lines = [
        f"OPTIONS {target.uri} SIP/2.0",
        f"Via: SIP/2.0/{target.transport.upper()} {here};branch=z9hG4bK{secrets.token_hex(8)};rport",
        "Max-Forwards: 70",
        f"From: <sip:ping@{here}>;tag={secrets.token_hex(6)}",
        f"To: <{target.uri.split(';')[0]}>",
        f"Call-ID: {call_id}",
        f"CSeq: {sequence} OPTIONS",
        f"Contact: <sip:ping@{here};transport={target.transport}>",
        "Accept: application/sdp",
        "User-Agent: Trunkline ping",
        "Content-Length: 0",
        "",
        "",
    ]
    return call_id, "\r\n".join(lines).encode()
