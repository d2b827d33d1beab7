"""Does the node work? Each part is asked the way its peers ask it, never by a look at its process."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from trunkline.api.healthz import HealthReport
from trunkline.engines.rtpengine.ng import NgClient
from trunkline.settings import Ports, Settings

PATIENCE = 1.0
"""Seconds that a part may take to answer."""
FRESH = 0.5
"""Seconds for which an answer is given again without asking, so that many askers cost no more than one."""


class Health:
    """Asks Kamailio (OPTIONS by UDP), the TLS front (OPTIONS by TLS) and rtpengine (ping), all at once. Thread-safe."""

    def __init__(self, settings: Settings, ports: Ports, patience: float = PATIENCE) -> None:
        self._checks: dict[str, Callable[[], str | None]] = {
            "kamailio": lambda: kamailio_problem(settings, patience),
            "tls_front": lambda: tls_front_problem(settings, patience),
            "rtpengine": lambda: rtpengine_problem(ports, patience),
        }
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._report = HealthReport()

    def __call__(self) -> HealthReport:
        with self._lock:
            if time.monotonic() - self._asked_at > FRESH:
                with ThreadPoolExecutor(len(self._checks)) as pool:
                    answers = {name: pool.submit(check) for name, check in self._checks.items()}
                    self._report = HealthReport({name: answer.result() for name, answer in answers.items()})
                self._asked_at = time.monotonic()
            return self._report


def kamailio_problem(settings: Settings, patience: float = PATIENCE) -> str | None:
    """None when the edge answers an OPTIONS by UDP with 200, else what is wrong."""
    host, port = reachable(settings.sip_host), settings.sip_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(patience)
        try:
            client.connect((host, port))
            client.send(_options(host, port, "UDP", client.getsockname()[:2]))
            return _answer_problem(client.recv(65535))
        except OSError:
            return f"no answer to OPTIONS by UDP from {host}:{port}"


def tls_front_problem(settings: Settings, patience: float = PATIENCE) -> str | None:
    """None when an OPTIONS over a new TLS connection gets its 200, else what is wrong."""
    host, port = reachable(settings.sip_host), settings.tls_port
    # Whether we trust the certificate is not the question: the operator may have placed one for another name.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), patience) as plain,
            context.wrap_socket(plain) as client,
        ):
            client.settimeout(patience)
            client.sendall(_options(host, port, "TLS", client.getsockname()[:2]))
            return _answer_problem(client.recv(65535))
    except OSError:
        return f"no answer to OPTIONS by TLS from {host}:{port}"


def rtpengine_problem(ports: Ports, patience: float = PATIENCE) -> str | None:
    with NgClient(ports.ng, give_up_after=patience) as client:
        return None if client.ping() else f"no answer to ping from 127.0.0.1:{ports.ng}"


def reachable(host: str) -> str:
    """An address by which a listener on `host` is reached from this machine."""
    address = ipaddress.ip_address(host)
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _options(host: str, port: int, transport: str, ours: tuple[str, int]) -> bytes:
    """A request of RFC 3261 section 11."""
    there, here = (f"[{name}]" if ":" in name else name for name in (host, ours[0]))
    mark = secrets.token_hex(8)
    return (
        f"OPTIONS sip:{there}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/{transport} {here}:{ours[1]};branch=z9hG4bK{mark};rport\r\n"
        "Max-Forwards: 5\r\n"
        f"From: <sip:healthz@{here}>;tag={mark}\r\n"
        f"To: <sip:{there}:{port}>\r\n"
        f"Call-ID: healthz-{mark}\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def _answer_problem(answer: bytes) -> str | None:
    status = answer.partition(b"\r\n")[0].decode("ascii", "replace")
    return None if status.startswith("SIP/2.0 200 ") else f"the answer to OPTIONS was {status[:60]!r}"
