"""SIP by hand over UDP, for what no decent client sends: broken bytes, replays, retransmissions, requests of strangers.

with RawCaller(node) as caller:
    answer = caller.invite(trunk, ECHO)             # with digest, up to the final response
    caller.send(caller.bye(answer))
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import time
from collections.abc import Callable
from typing import Self

from live_node import LiveNode, LiveTrunk

from trunkline.testbench.sip_text import SipText, parse_sip

NO_MEDIA_PORT = 9  # nobody listens there: these calls are about signalling


def sdp(host: str = "127.0.0.1", port: int = NO_MEDIA_PORT, protocol: str = "RTP/AVP") -> bytes:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} {protocol} 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    ).encode()


def digest(challenge: str, method: str, uri: str, username: str, password: str) -> str:
    """RFC 2617 with qop=auth and MD5, worked out here apart from every client."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    cnonce, count = secrets.token_hex(4), "00000001"

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    secret = md5(f"{username}:{fields['realm']}:{password}")
    response = md5(":".join([secret, fields["nonce"], count, cnonce, "auth", md5(f"{method}:{uri}")]))
    return (
        f'Digest username="{username}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", '
        f'response="{response}", algorithm=MD5, cnonce="{cnonce}", qop=auth, nc={count}'
    )


class RawCaller:
    """One UDP socket and one call at a time. What is received stays in `received`, in order."""

    def __init__(self, node: LiveNode, source: str = "127.0.0.1") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((source, 0))
        self.address = f"{source}:{self._socket.getsockname()[1]}"
        self._edge = (node.host, node.sip_port)
        self.received: list[SipText] = []
        self.new_call()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def new_call(self) -> None:
        self.call_id, self.tag, self.cseq = secrets.token_hex(8), secrets.token_hex(4), 1
        self.received.clear()

    # ---- the wire ---------------------------------------------------------------------------------------------------

    def send(self, request: bytes) -> None:
        self._socket.sendto(request, self._edge)

    def wait(self, fits: Callable[[SipText], bool], within: float = 5.0) -> SipText:
        """The first message, received already or soon, that fits."""
        deadline = time.monotonic() + within
        while True:
            found = next((message for message in self.received if fits(message)), None)
            if found is not None:
                return found
            self._socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                raw = self._socket.recv(65535)
            except TimeoutError:
                raise AssertionError(
                    f"not within {within} s; received {[m.start_line for m in self.received]}"
                ) from None
            self.received.append(parse_sip(raw.decode("utf-8", "replace")))

    def final(self, cseq: int | None = None, within: float = 5.0) -> SipText:
        """The final response to our request with that CSeq (default: the last one)."""
        number = self.cseq if cseq is None else cseq
        return self.wait(lambda m: m.sip_status >= 200 and m.first("CSeq").split()[0] == str(number), within)

    def reinvite(self, request: bytes) -> SipText:
        """The final response to a re-INVITE, which is sent again after 0.5 s, as by UDP it has to be (RFC 3261 section
        17.1.1.2): the edge lets the first one go where the ACK before it has not passed yet.
        """
        self.send(request)
        try:
            self.wait(lambda m: m.sip_status >= 100 and m.first("CSeq").split()[0] == str(self.cseq), within=0.5)
        except AssertionError:
            self.send(request)
        return self.final()

    def drain(self, seconds: float) -> list[SipText]:
        """What comes within that time, for tests of what must not come."""
        deadline, before = time.monotonic() + seconds, len(self.received)
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                self.received.append(parse_sip(self._socket.recv(65535).decode("utf-8", "replace")))
            except TimeoutError:
                break
        return self.received[before:]

    # ---- requests ---------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        uri: str,
        *,
        headers: str = "",
        body: bytes = b"",
        caller: str = "sip:test@example.com",
        to: str | None = None,
        call_id: str | None = None,
        max_forwards: int = 70,
        branch: str | None = None,
        cseq: int | None = None,
        tag: str | None = None,
    ) -> bytes:
        """A request as bytes, of texts in latin-1 (\\xff is one byte). `headers`: more of them, each with its CRLF."""
        number = self.cseq if cseq is None else cseq
        content = "Content-Type: application/sdp\r\n" if body else ""
        head = (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{branch or secrets.token_hex(6)};rport\r\n"
            f"Max-Forwards: {max_forwards}\r\nFrom: <{caller}>;tag={tag or self.tag}\r\nTo: {to or f'<{uri}>'}\r\n"
            f"Call-ID: {call_id or self.call_id}\r\nCSeq: {number} {method}\r\nContact: <sip:test@{self.address}>\r\n"
            f"{headers}{content}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("latin-1") + body

    def challenged(self, trunk: LiveTrunk, called: str, **changes: object) -> str:
        """INVITE without credentials; the value of Proxy-Authorization that answers the challenge."""
        uri = f"sip:{called}@{trunk.domain_name}"
        self.send(self.request("INVITE", uri, caller=f"sip:{trunk.number}@{trunk.domain_name}", body=sdp(), **changes))
        answer = self.final()
        assert answer.sip_status == 407, answer
        self.send(self.ack(answer, uri))
        self.cseq += 1
        return digest(answer.first("Proxy-Authenticate"), "INVITE", uri, trunk.username, trunk.password)

    def authorized(
        self, trunk: LiveTrunk, called: str, *, headers: str = "", body: bytes | None = None, **changes: object
    ) -> bytes:
        """The INVITE that answers a challenge, ready to be sent."""
        credentials = self.challenged(trunk, called)
        uri = f"sip:{called}@{trunk.domain_name}"
        fields = {"caller": f"sip:{trunk.number}@{trunk.domain_name}", **changes}
        return self.request(
            "INVITE",
            uri,
            headers=f"Proxy-Authorization: {credentials}\r\n{headers}",
            body=sdp() if body is None else body,
            **fields,
        )

    def invite(self, trunk: LiveTrunk, called: str, **changes: object) -> SipText:
        """A digest call up to its final response, acknowledged."""
        self.send(self.authorized(trunk, called, **changes))
        answer = self.final(within=10)
        self.send(self.ack(answer, f"sip:{called}@{trunk.domain_name}"))
        return answer

    def ack(self, answer: SipText, uri: str) -> bytes:
        """ACK for a final response: end to end for 2xx (RFC 3261 13.2.2.4), else of the transaction (17.1.1.3)."""
        if answer.sip_status < 300:
            return self.in_dialog("ACK", answer, cseq=int(answer.first("CSeq").split()[0]))
        branch = answer.first("Via").partition("branch=z9hG4bK")[2].partition(";")[0]
        return self.request(
            "ACK",
            uri,
            to=answer.first("To"),
            branch=branch,
            caller=_uri(answer.first("From")),
            cseq=int(answer.first("CSeq").split()[0]),
        )

    def cancel(self, invite: bytes) -> bytes:
        """CANCEL of that INVITE: its Request-URI, top Via, From, To and CSeq number (RFC 3261 section 9.1)."""
        sip = parse_sip(invite.decode("latin-1"))
        lines = [
            f"CANCEL {sip.ruri} SIP/2.0",
            *(f"{name}: {sip.first(name)}" for name in ("Via", "Max-Forwards", "From", "To", "Call-ID")),
        ]
        return "\r\n".join(
            [*lines, f"CSeq: {sip.first('CSeq').split()[0]} CANCEL", "Content-Length: 0", "", ""]
        ).encode()

    def in_dialog(
        self, method: str, answer: SipText, *, route: str | None = None, headers: str = "", **changes: object
    ) -> bytes:
        """A request within the dialog of that 2xx. `route`: Route lines instead of the right ones."""
        routes = (
            "".join(f"Route: {value}\r\n" for value in reversed(answer.every("Record-Route")))
            if route is None
            else route
        )
        fields = {"to": answer.first("To"), "caller": _uri(answer.first("From")), **changes}
        return self.request(method, _uri(answer.first("Contact")), headers=routes + headers, **fields)

    def ok(self, request: SipText) -> bytes:
        """200 to a request that we received."""
        lines = ["SIP/2.0 200 OK", *(f"Via: {via}" for via in request.every("Via"))]
        lines += [f"{name}: {request.first(name)}" for name in ("From", "To", "Call-ID", "CSeq")]
        return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()

    def bye(self, answer: SipText, **changes: object) -> bytes:
        self.cseq += 1
        return self.in_dialog("BYE", answer, **changes)


def _uri(value: str) -> str:
    return value.partition("<")[2].partition(">")[0] or value.partition(";")[0]
