"""Requests of the node's own, sent to carriers by the edge: from its address and port, over its transports.

The edge takes them on its inner port from whoever knows its secret (route OWN in hiding.cfg), and answers 408 itself
where nothing comes back. One TCP connection, any number of requests at a time.
"""

from __future__ import annotations

import json
import re
import secrets
import select
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_LENGTH = re.compile(rb"^(?:Content-Length|l)\s*:\s*(\d+)", re.IGNORECASE | re.MULTILINE)


class EdgeAway(Exception):
    """The edge takes no connection, or has closed it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A final answer."""

    call_id: str
    status: int
    reason: str
    headers: Mapping[str, list[str]] = field(default_factory=dict)
    """By name in lower case."""

    def every(self, name: str) -> list[str]:
        return self.headers.get(name.lower(), [])

    def first(self, name: str) -> str:
        return next(iter(self.every(name)), "")


class EdgeLine:
    """Raises EdgeAway."""

    def __init__(self, edge_file: Path) -> None:
        """`edge_file`: what the edge's script reads (engines/kamailio/config.py)."""
        try:
            edge = json.loads(edge_file.read_text())
        except (OSError, ValueError) as problem:
            raise EdgeAway(f"{edge_file}: {problem}") from None
        self._secret: str = edge["hop_secret"]
        self.edge: str = edge["edge"]
        self.plain: str = edge["plain_address"]
        self.secure: str = edge["secure_address"]
        try:
            self._socket = socket.create_connection(("127.0.0.1", edge["inner_port"]), 1.0)
        except OSError as problem:
            raise EdgeAway(str(problem)) from None
        self._socket.settimeout(2.0)
        self._here = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._rest = b""

    def close(self) -> None:
        self._socket.close()

    def contact(self, transport: str) -> str:
        """`host:port` and the transport, as a peer reaches us by it."""
        if transport == "tls":
            return self.secure
        return self.plain if transport == "udp" else f"{self.plain};transport={transport}"

    def send(
        self, method: str, uri: str, *, sender: str, to: str, call_id: str, tag: str, cseq: int, headers: str = ""
    ) -> None:
        """`headers`: each with its CRLF."""
        lines = (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/TCP {self._here};branch=z9hG4bK{secrets.token_hex(8)}\r\n"
            f"Max-Forwards: 70\r\nFrom: <{sender}>;tag={tag}\r\nTo: <{to}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nX-Trunkline-Own: {self._secret}\r\n"
            f"X-Trunkline-Hop: {self._secret} tls:127.0.0.1:1\r\n"
            f"{headers}Content-Length: 0\r\n\r\n"
        )
        try:
            self._socket.sendall(lines.encode("utf-8", "surrogateescape"))
        except OSError as problem:
            raise EdgeAway(str(problem)) from None

    def answers(self, seconds: float) -> list[Answer]:
        """Final answers that come within that time; at once when some are there."""
        found: list[Answer] = []
        if not select.select([self._socket], [], [], seconds)[0]:
            return found
        try:
            chunk = self._socket.recv(1 << 16)
        except OSError as problem:
            raise EdgeAway(str(problem)) from None
        if not chunk:
            raise EdgeAway("the edge has closed the connection")
        self._rest = (self._rest + chunk).lstrip(b"\r\n")
        while (message := self._next()) is not None:
            answer = read_answer(message)
            if answer is not None and answer.status >= 200:
                found.append(answer)
        return found

    def _next(self) -> bytes | None:
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._rest, 0, end + 2)
        whole = end + 4 + (int(length.group(1)) if length else 0)
        if len(self._rest) < whole:
            return None
        message, self._rest = self._rest[:whole], self._rest[whole:].lstrip(b"\r\n")
        return message


def read_answer(message: bytes) -> Answer | None:
    """None: it is no answer."""
    head = message.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    started = re.fullmatch(r"SIP/2\.0 (\d{3}) ?(.*)", first)
    if started is None:
        return None
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = {"i": "call-id", "m": "contact"}.get(name.strip().lower(), name.strip().lower())
        headers.setdefault(name, []).append(value.strip())
    call_id = next(iter(headers.get("call-id", [])), "")
    return Answer(call_id, int(started.group(1)), started.group(2), headers)
