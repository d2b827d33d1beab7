"""A new certificate without a restart: running calls and connections keep the old one, new connections get the new one.

By command (`trunkline certificates reload`), and by itself: `trunkline up` looks at the files twice a second.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable

from trunkline.engines.kamailio.config import derive
from trunkline.node import certificates, home
from trunkline.node.certificates import CertificateError
from trunkline.settings import Ports, Settings

PATIENCE = 5.0
Mark = tuple[tuple[int, int, int], ...]


class FrontSilent(Exception):
    """The TLS front does not take the order; the text says why."""


def reload(settings: Settings) -> str:
    """Let the TLS front read its certificate again; until when the new one is valid, as a date.

    Not by RPC: that is answered by a process of its own, and with OpenSSL 3 only one process of Kamailio 5.6 may use
    TLS (docs/decisions/0004-tls-front.md). So a SIP request on loopback brings the order to the one that does.
    Raises CertificateError (the files are not usable: the old certificate stays) and FrontSilent.
    """
    until = certificates.check(settings)
    try:
        port, secret = Ports.read(settings.ports_file).tls_front, home.secret(settings)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
            client.settimeout(PATIENCE)
            client.sendall(_order(derive(secret, "hop"), client.getsockname()[1], port))
            answer = client.recv(4096).partition(b"\r\n")[0].decode("ascii", "replace")
    except (OSError, ValueError) as problem:
        raise FrontSilent(f"the TLS front does not answer: {problem}") from None
    if not answer.startswith("SIP/2.0 200"):
        raise FrontSilent(f"the TLS front says {answer!r}: its words are in {settings.log_file}")
    return until.isoformat()


def _order(hop_secret: str, own_port: int, port: int) -> bytes:
    mark = secrets.token_hex(8)
    return (
        f"OPTIONS sip:reload@127.0.0.1:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/TCP 127.0.0.1:{own_port};branch=z9hG4bK{mark}\r\n"
        "Max-Forwards: 5\r\n"
        f"From: <sip:reload@127.0.0.1>;tag={mark}\r\n"
        f"To: <sip:reload@127.0.0.1:{port}>\r\n"
        f"Call-ID: reload-{mark}\r\n"
        "CSeq: 1 OPTIONS\r\n"
        f"X-Trunkline-Hop: {hop_secret} reload\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


class CertificateWatch:
    """Reloads when the files have changed. A change is taken once both files have stood still for one look."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._taken = self._seen = self._mark()

    def look(self, say: Callable[[str], None]) -> None:
        mark = self._mark()
        settled, self._seen = mark == self._seen, mark
        if mark == self._taken or not settled:
            return
        try:
            say(f"The certificate has changed and is in use now, until {reload(self._settings)}.")
        except CertificateError as problem:
            say(f"The certificate has changed and cannot be used, the old one stays: {problem}")
        except FrontSilent as problem:
            say(f"The certificate has changed, and is not in use: {problem}")
        self._taken = mark

    def _mark(self) -> Mark:
        found = []
        for name in ("cert.pem", "key.pem"):
            try:
                stat = (self._settings.tls_dir / name).stat()
            except OSError:
                found.append((0, 0, 0))
            else:
                found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        return tuple(found)
