"""A target that never answers anything: a UDP port that swallows SIP and remembers the INVITEs.

PJSIP answers every INVITE with 100 before anybody is asked, so silence needs a socket of its own.
"""

from __future__ import annotations

import socket
import time

from trunkline.testbench.result import SeenInvite
from trunkline.testbench.sip_text import parse_sip, uri_user


class SilentListener:
    def __init__(self, host: str, port: int = 0) -> None:
        """OSError when the port is taken."""
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.seen: dict[str, SeenInvite] = {}
        """By top Via branch: retransmissions are one INVITE, another attempt is another."""

    def poll(self) -> list[SeenInvite]:
        """Swallow what has come; the INVITEs that are new."""
        fresh: list[SeenInvite] = []
        while True:
            try:
                raw, peer = self._socket.recvfrom(65535)
            except (BlockingIOError, InterruptedError):
                return fresh
            sip = parse_sip(raw.decode("utf-8", "surrogateescape"))
            if not sip.is_request or sip.method != "INVITE" or sip.first("Via") in self.seen:
                continue
            invite = SeenInvite(
                at=round(time.time(), 3),
                call_id=sip.first("Call-ID"),
                caller=uri_user(sip.first("From")),
                called=uri_user(sip.ruri),
                ruri=sip.ruri,
                from_header=sip.first("From"),
                to_header=sip.first("To"),
                asserted_identity=sip.first("P-Asserted-Identity") or None,
                headers=sip.headers,
                source=f"udp:{peer[0]}:{peer[1]}",
                secure="RTP/SAVP" in sip.body,
            )
            self.seen[sip.first("Via")] = invite
            fresh.append(invite)

    def close(self) -> None:
        self._socket.close()
