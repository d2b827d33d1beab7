"""A trunk's front door for tests: a UDP socket that answers requests by a script, with real digest checking."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable
from typing import Self

from trunkline.testbench.sip_text import SipText, parse_sip

Script = Callable[[SipText], tuple[int, str, dict[str, str]] | None]
"""Request → status, reason, extra headers; None: no answer."""


class Doorman:
    def __init__(self, script: Script) -> None:
        self.requests: list[SipText] = []
        self._script = script
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.uri = f"sip:127.0.0.1:{self._socket.getsockname()[1]};transport=udp"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stopper:
            stopper.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            raw, peer = self._socket.recvfrom(65535)
            if not raw:
                return
            request = parse_sip(raw.decode())
            self.requests.append(request)
            if request.method == "ACK":
                continue
            answer = self._script(request)
            if answer is not None:
                self._socket.sendto(_reply(request, *answer), peer)


def _reply(request: SipText, status: int, reason: str, headers: dict[str, str]) -> bytes:
    lines = [f"SIP/2.0 {status} {reason}"]
    lines += [f"Via: {via}" for via in request.every("Via")]
    lines += [f"From: {request.first('From')}", f"To: {request.first('To')}{'' if status == 100 else ';tag=door'}"]
    lines += [f"Call-ID: {request.first('Call-ID')}", f"CSeq: {request.first('CSeq')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


REALM = "sip.twilio.com"
CHALLENGE = {"Proxy-Authenticate": f'Digest realm="{REALM}", nonce="0123456789abcdef", algorithm=MD5, qop="auth"'}


def digest_is_right(request: SipText, username: str, password: str) -> bool:
    """RFC 7616 section 3.4.1 with qop=auth, computed here apart from PJSIP."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', request.first("Proxy-Authorization")))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    ha1 = md5(f"{username}:{REALM}:{password}")
    ha2 = md5(f"{request.method}:{fields.get('uri')}")
    parts = (ha1, fields.get("nonce"), fields.get("nc"), fields.get("cnonce"), fields.get("qop"), ha2)
    return fields.get("response") == md5(":".join(str(part) for part in parts))
