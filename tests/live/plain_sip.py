"""A SIP client of a few lines on one UDP socket, for questions that one answer settles: INVITE, REGISTER, OPTIONS.

It binds to any loopback address, signs with MD5 or SHA-256, and shows the whole final response. Audio is PJSIP's.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from trunkline.testbench.sip_text import SipText, parse_sip, uri_user

MD5, SHA256 = "MD5", "SHA-256"
ANSWER_MARKS = {"via", "from", "to", "call-id", "cseq", "content-length"}
"""Headers that every answer has (RFC 3261 section 8.2.6.2)."""
REFUSAL_HEADERS = tuple(sorted(ANSWER_MARKS | {"x-twilio-error"}))
CHALLENGE_HEADERS = tuple(sorted(ANSWER_MARKS | {"proxy-authenticate"}))
FINAL_WITHIN = 10.0
_RESEND = 0.5
"""T1 of RFC 3261 section 17.1.1.1: on a busy machine even a packet on loopback can be dropped."""


def own_address() -> str:
    """A loopback address that no other test has: access lists match by it."""
    return f"127.{secrets.randbelow(100) + 100}.{secrets.randbelow(250)}.{secrets.randbelow(250) + 2}"


@dataclass(frozen=True)
class Credentials:
    username: str
    password: str
    algorithm: str | None = None
    """Answer with this one, whatever was asked for; None: as asked."""


@dataclass(frozen=True)
class Reply:
    """The final response, and the challenge that came before it."""

    call_id: str
    sip: SipText
    challenge: SipText | None = None

    @property
    def status(self) -> int:
        return self.sip.sip_status

    @property
    def reason(self) -> str:
        return self.sip.sip_reason

    @property
    def twilio_error(self) -> str | None:
        return self.sip.first("X-Twilio-Error") or None

    @property
    def header_names(self) -> tuple[str, ...]:
        return tuple(sorted(name.lower() for name, _ in self.sip.headers))


@dataclass(frozen=True)
class _Request:
    """What stays the same in both INVITEs of one call."""

    method: str
    ruri: str
    caller: str
    body: str
    headers: Mapping[str, str]
    call_id: str
    tag: str


class PlainSip:
    """with PlainSip(node.host, node.sip_port, source="127.0.0.9") as it: it.invite("sip:+1…@x.pstn.twilio.com")"""

    def __init__(self, host: str, port: int, *, source: str = "127.0.0.1", final_within: float = FINAL_WITHIN) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((source, 0))
        self._socket.connect((host, port))
        self.source = source
        self.port: int = self._socket.getsockname()[1]
        self._final_within = final_within

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def invite(
        self,
        ruri: str,
        *,
        caller: str = "+15550009999",
        credentials: Credentials | None = None,
        srtp: bool = False,
        headers: Mapping[str, str] | None = None,
        keep: dict[str, str] | None = None,
    ) -> Reply:
        """INVITE, digest when challenged and credentials are there, ACK. A 2xx is taken back with a BYE at once.

        `keep`: gets the header that answered the challenge.
        """
        return self._ask("INVITE", ruri, caller, credentials, self._sdp(srtp), headers or {}, keep)

    def register(
        self,
        domain: str,
        username: str,
        *,
        credentials: Credentials | None = None,
        headers: Mapping[str, str] | None = None,
        keep: dict[str, str] | None = None,
    ) -> Reply:
        """`headers` go before our own: another Contact, Expires; an empty value takes ours away."""
        return self._ask("REGISTER", f"sip:{domain}", username, credentials, "", headers or {}, keep)

    def options(self, ruri: str) -> Reply:
        return self._ask("OPTIONS", ruri, "ping")

    def _ask(
        self,
        method: str,
        ruri: str,
        caller: str,
        credentials: Credentials | None = None,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        keep: dict[str, str] | None = None,
    ) -> Reply:
        call_id = f"{secrets.token_hex(8)}-plain"
        request = _Request(method, ruri, caller, body, headers or {}, call_id, secrets.token_hex(4))
        first = self._transaction(request, 1, {})
        if first.sip_status not in (401, 407) or credentials is None:
            return Reply(call_id, first)
        name = "Proxy-Authorization" if first.sip_status == 407 else "Authorization"
        signed = {name: digest_answer(first, method, ruri, credentials)}
        if keep is not None:
            keep.update(signed)
        return Reply(call_id, self._transaction(request, 2, signed), first)

    def _transaction(self, request: _Request, cseq: int, signed: Mapping[str, str]) -> SipText:
        host = request.ruri.partition("@")[2] or request.ruri.partition(":")[2]
        common = {
            "Via": self._via(),
            "Max-Forwards": "70",
            "From": f"<sip:{request.caller}@{host}>;tag={request.tag}",
            "To": f"<sip:{uri_user(request.ruri) or request.caller}@{host}>",
            "Call-ID": request.call_id,
        }
        contact = {"Contact": f"<sip:plain@{self.source}:{self.port}>", "User-Agent": "plain test"}
        kind = {"Content-Type": "application/sdp"} if request.body else {}
        lines = {**common, "CSeq": f"{cseq} {request.method}", **contact, **request.headers, **signed, **kind}
        message = _message(f"{request.method} {request.ruri} SIP/2.0", lines, request.body)
        final = self._final(message, request.call_id, f"{cseq} {request.method}")
        if request.method == "INVITE":
            done = {**common, "To": final.first("To")}
            if final.sip_status >= 300:
                self._socket.send(_message(f"ACK {request.ruri} SIP/2.0", {**done, "CSeq": f"{cseq} ACK"}))
            else:
                self._take_back(final, done, cseq)
        return final

    def _final(self, message: bytes, call_id: str, cseq: str) -> SipText:
        """The final response to this request, which is sent again until anything comes."""
        deadline = time.monotonic() + self._final_within
        self._socket.send(message)
        heard = False
        while time.monotonic() < deadline:
            self._socket.settimeout(_RESEND)
            try:
                sip = parse_sip(self._socket.recv(65535).decode("utf-8", "replace"))
            except TimeoutError:
                if not heard:
                    self._socket.send(message)
                continue
            if sip.is_request or (sip.first("Call-ID"), sip.first("CSeq")) != (call_id, cseq):
                continue
            if sip.sip_status >= 200:
                return sip
            heard = True
        raise AssertionError(f"no final response within {self._final_within} s to {message[:80]!r}")

    def _take_back(self, answer: SipText, common: Mapping[str, str], cseq: int) -> None:
        contact = answer.first("Contact").partition("<")[2].partition(">")[0]
        routes = {"Route": ", ".join(reversed(answer.every("Record-Route")))}
        for method, number in (("ACK", cseq), ("BYE", cseq + 1)):
            lines = {**common, **routes, "Via": self._via(), "CSeq": f"{number} {method}"}
            self._socket.send(_message(f"{method} {contact} SIP/2.0", lines))

    def _via(self) -> str:
        return f"SIP/2.0/UDP {self.source}:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport"

    def _sdp(self, srtp: bool) -> str:
        """An offer. Nobody listens at its port: what these calls show is over before there is audio."""
        profile = "RTP/SAVP" if srtp else "RTP/AVP"
        key = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n" if srtp else ""
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.source}\r\ns=-\r\nc=IN IP4 {self.source}\r\nt=0 0\r\n"
            f"m=audio 9 {profile} 0 101\r\na=rtpmap:101 telephone-event/8000\r\n{key}"
        )


def _message(start_line: str, headers: Mapping[str, str], body: str = "") -> bytes:
    lines = [start_line, *(f"{name}: {value}" for name, value in headers.items() if value)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


def challenge_params(challenge: SipText) -> dict[str, str]:
    """`Digest realm="x",qop="auth"` → its parameters, unquoted."""
    value = challenge.first("Proxy-Authenticate") or challenge.first("WWW-Authenticate")
    pairs = (item.partition("=") for item in value.removeprefix("Digest ").split(","))
    return {name.strip(): text.strip('" ') for name, _, text in pairs}


def digest_answer(challenge: SipText, method: str, uri: str, credentials: Credentials) -> str:
    """RFC 7616 section 3.4 with qop=auth, worked out apart from the product's own."""
    asked = challenge_params(challenge)
    algorithm = credentials.algorithm or asked.get("algorithm", MD5)
    cnonce, nc = secrets.token_hex(8), "00000001"
    ha1 = _hash(f"{credentials.username}:{asked['realm']}:{credentials.password}", algorithm)
    ha2 = _hash(f"{method}:{uri}", algorithm)
    response = _hash(f"{ha1}:{asked['nonce']}:{nc}:{cnonce}:auth:{ha2}", algorithm)
    named = f",algorithm={algorithm}" if "algorithm" in asked or algorithm == SHA256 else ""
    return (
        f'Digest username="{credentials.username}",realm="{asked["realm"]}",nonce="{asked["nonce"]}",uri="{uri}",'
        f'response="{response}",cnonce="{cnonce}",nc={nc},qop=auth{named}'
    )


def _hash(text: str, algorithm: str) -> str:
    return (hashlib.sha256 if algorithm == SHA256 else hashlib.md5)(text.encode()).hexdigest()
