"""A user agent by hand over UDP, SIP and RTP: for what no decent client does, and for tests that look at every byte.

Nothing happens by itself: whoever uses it says each message, and polls. `received` keeps all that came, in order, and
`sent` what went out.

    with RawAgent(host="127.0.0.2", peer=("127.0.0.1", 5060)) as pbx:
        dialog = pbx.new_dialog(to="sip:+15550100000@acme.pstn.twilio.com", user="+15557770001")
        pbx.send(pbx.request(dialog, "INVITE", body=pbx.sdp()))
        answer = pbx.final(dialog)
"""

from __future__ import annotations

import hashlib
import re
import secrets
import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from trunkline.testbench.pcap import Address, PcapWriter
from trunkline.testbench.sip_text import SipText, parse_sip

RTP_SECONDS = 0.02
_ANSWERED_WITHIN = 6.0


@dataclass(slots=True)
class Dialog:
    """One dialog as this agent sees it (RFC 3261 section 12)."""

    call_id: str
    local: str
    """Our From as a caller, our To as a callee, without the tag."""
    remote: str
    target: str
    """Request-URI of what we send."""
    local_tag: str = field(default_factory=lambda: secrets.token_hex(4))
    remote_tag: str = ""
    routes: list[str] = field(default_factory=list)
    """In the order of Route headers."""
    cseq: int = 0
    challenge: str = ""
    """The credentials of its requests, a header line, once the peer asked for them."""


@dataclass(frozen=True, slots=True)
class Datagram:
    at: float
    """Unix seconds."""
    peer: Address
    data: bytes

    @property
    def sip(self) -> SipText:
        return parse_sip(self.data.decode("utf-8", "replace"))


class RawAgent:
    """A SIP port and an RTP port."""

    def __init__(
        self,
        peer: Address,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        agent: str = "Trunkline raw agent",
        capture: PcapWriter | None = None,
    ) -> None:
        """`peer`: where requests go. OSError when the port is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._sip = socket.socket(family, socket.SOCK_DGRAM)
        self._sip.bind((host, port))
        self._rtp = socket.socket(family, socket.SOCK_DGRAM)
        self._rtp.bind((host, 0))
        self.host, self.peer, self.agent, self.capture = host, peer, agent, capture
        self.port = int(self._sip.getsockname()[1])
        self.rtp_port = int(self._rtp.getsockname()[1])
        self.received: list[SipText] = []
        self.sent: list[bytes] = []
        self.raw_received: list[bytes] = []
        self.rtp_received: list[Datagram] = []
        self.keep_rtp = True
        self._rtp_sequence, self._ssrc = secrets.randbelow(1 << 15), secrets.randbits(32)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._sip.close()
        self._rtp.close()

    @property
    def literal(self) -> str:
        """The host as it stands in a URI."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def contact(self) -> str:
        return f"sip:raw@{self.literal}:{self.port}"

    # ---- the wire ---------------------------------------------------------------------------------------------------

    def send(self, message: bytes, to: Address | None = None) -> bytes:
        """One SIP message, to the peer by default."""
        destination = to or self.peer
        self._sip.sendto(message, destination)
        self.sent.append(message)
        if self.capture is not None:
            self.capture.udp((self.host, self.port), destination, message)
        return message

    def poll(self, seconds: float = 0.0) -> list[Datagram]:
        """SIP that came; waits up to so long for the first. RTP that came meanwhile goes to `rtp_received`."""
        found: list[Datagram] = []
        until = time.monotonic() + seconds
        while not found:
            ready, _, _ = select.select([self._sip, self._rtp], [], [], max(0.0, until - time.monotonic()))
            for one in ready:
                self._take(one, found)
            if not ready:
                break
        return found

    def _take(self, one: socket.socket, found: list[Datagram]) -> None:
        data, peer = one.recvfrom(65535)
        address = (str(peer[0]), int(peer[1]))
        is_sip = one is self._sip
        if self.capture is not None:
            self.capture.udp(address, (self.host, int(one.getsockname()[1])), data)
        datagram = Datagram(time.time(), address, data)
        if not is_sip:
            if self.keep_rtp:
                self.rtp_received.append(datagram)
        elif data.strip():
            found.append(datagram)
            self.received.append(datagram.sip)
            self.raw_received.append(data)

    def drain(self, one: socket.socket) -> None:
        """RTP that came to another socket of ours; it never waits."""
        while select.select([one], [], [], 0)[0]:
            self._take(one, [])

    def wait(self, fits: Callable[[SipText], bool], what: str = "", within: float = _ANSWERED_WITHIN) -> SipText:
        """The first message, received already or soon, that fits. TimeoutError names what came instead."""
        until = time.monotonic() + within
        seen = 0
        while True:
            for message in self.received[seen:]:
                if fits(message):
                    return message
            seen = len(self.received)
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"not within {within} s: {what or 'the message'}; came {[m.start_line for m in self.received]}"
                )
            self.poll(left)

    def wait_request(self, method: str, *, after: int = 0, within: float = _ANSWERED_WITHIN) -> SipText:
        """A request that came; `after`: how many messages of `received` not to look at."""
        ignored = {id(message) for message in self.received[:after]}
        return self.wait(lambda m: m.is_request and m.method == method and id(m) not in ignored, method, within)

    def final(self, dialog: Dialog, method: str = "INVITE", within: float = _ANSWERED_WITHIN) -> SipText:
        """The final response to our last request of this method; of a dialog-forming 2xx the dialog takes note."""
        number = str(dialog.cseq)
        answer = self.wait(
            lambda m: (
                m.sip_status >= 200
                and m.method == method
                and m.first("CSeq").split()[0] == number
                and m.first("Call-ID") == dialog.call_id
            ),
            f"the answer to {method}",
            within,
        )
        if answer.sip_status < 300 and method == "INVITE":
            learn(dialog, answer)
        return answer

    def provisional(self, dialog: Dialog, within: float = _ANSWERED_WITHIN) -> SipText:
        """A 18x of the call; the dialog takes note of it as an early one."""
        early = self.wait(
            lambda m: 100 < m.sip_status < 200 and m.first("Call-ID") == dialog.call_id, "a provisional answer", within
        )
        learn(dialog, early)
        return early

    # ---- messages ---------------------------------------------------------------------------------------------------

    def new_dialog(self, to: str, user: str, *, from_host: str | None = None, call_id: str | None = None) -> Dialog:
        """A dialog of ours as the caller. Its Call-ID names our host, as many do."""
        return Dialog(
            call_id=call_id or f"{secrets.token_hex(8)}@{self.literal}",
            local=f"<sip:{user}@{from_host or self.literal}>",
            remote=f"<{to}>",
            target=to,
        )

    def taken(self, invite: SipText) -> Dialog:
        """The dialog that an INVITE to us begins."""
        routes = [uri for value in invite.every("Record-Route") for uri in re.findall(r"<[^>]*>", value)]
        return Dialog(
            call_id=invite.first("Call-ID"),
            local=invite.first("To"),
            remote=invite.first("From").partition(";tag=")[0],
            target=_uri(invite.first("Contact")),
            remote_tag=invite.from_tag,
            routes=routes,
            cseq=secrets.randbelow(1000),
        )

    def request(
        self,
        dialog: Dialog,
        method: str,
        *,
        headers: str = "",
        body: bytes = b"",
        content_type: str = "application/sdp",
        cseq: int | None = None,
        contact: str | None = None,
        branch: str | None = None,
    ) -> bytes:
        """A request of the dialog, with the next CSeq (of ACK and CANCEL: the last one). `headers` have their CRLF."""
        if cseq is None:
            if method not in ("ACK", "CANCEL"):
                dialog.cseq += 1
            cseq = dialog.cseq
        to_tag = f";tag={dialog.remote_tag}" if dialog.remote_tag else ""
        lines = [
            f"{method} {dialog.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.literal}:{self.port};branch={branch or 'z9hG4bK' + secrets.token_hex(6)};rport",
            "Max-Forwards: 70",
            f"From: {dialog.local};tag={dialog.local_tag}",
            f"To: {dialog.remote}{to_tag}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {cseq} {method}",
            f"Contact: <{contact or self.contact}>",
            f"User-Agent: {self.agent}",
            *(f"Route: {route}" for route in dialog.routes),
        ]
        return _finish(lines, headers + dialog.challenge, body, content_type)

    def ack(self, dialog: Dialog, answer: SipText, *, body: bytes = b"") -> bytes:
        """ACK, sent: end to end for 2xx (RFC 3261 section 13.2.2.4), else of the transaction (17.1.1.3)."""
        number = int(answer.first("CSeq").split()[0])
        if answer.sip_status < 300:
            return self.send(self.request(dialog, "ACK", cseq=number, body=body))
        via = answer.first("Via")
        branch = re.search(r"branch=([^;,\s]+)", via)
        lines = [
            f"ACK {dialog.target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.literal}:{self.port};branch={branch.group(1) if branch else ''};rport",
            "Max-Forwards: 70",
            f"From: {dialog.local};tag={dialog.local_tag}",
            f"To: {answer.first('To')}",
            f"Call-ID: {dialog.call_id}",
            f"CSeq: {number} ACK",
        ]
        return self.send(_finish(lines, "", b"", ""))

    def authorize(self, dialog: Dialog, challenge: SipText, method: str, username: str, password: str) -> None:
        """The dialog's next requests carry the answer to this challenge (RFC 2617, qop=auth, MD5)."""
        name = "Proxy-Authenticate" if challenge.sip_status == 407 else "WWW-Authenticate"
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.first(name)))
        cnonce, count, uri = secrets.token_hex(4), "00000001", dialog.target
        secret = _md5(f"{username}:{fields['realm']}:{password}")
        response = _md5(":".join([secret, fields["nonce"], count, cnonce, "auth", _md5(f"{method}:{uri}")]))
        answer = "Proxy-Authorization" if challenge.sip_status == 407 else "Authorization"
        dialog.challenge = (
            f'{answer}: Digest username="{username}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
            f'uri="{uri}", response="{response}", algorithm=MD5, cnonce="{cnonce}", qop=auth, nc={count}\r\n'
        )

    def respond(
        self,
        request: SipText,
        status: int,
        reason: str = "OK",
        *,
        tag: str = "",
        headers: str = "",
        body: bytes = b"",
        contact: str | None = None,
    ) -> bytes:
        """A response, sent, with SDP or no body. `tag`: our To tag, where the request has none."""
        to_value = request.first("To")
        if tag and ";tag=" not in to_value:
            to_value += f";tag={tag}"
        lines = [f"SIP/2.0 {status} {reason}", *(f"Via: {via}" for via in request.every("Via"))]
        lines += [f"Record-Route: {value}" for value in request.every("Record-Route")]
        lines += [f"From: {request.first('From')}", f"To: {to_value}", f"Call-ID: {request.first('Call-ID')}"]
        lines += [f"CSeq: {request.first('CSeq')}", f"Server: {self.agent}"]
        if contact is not None or request.method in ("INVITE", "UPDATE"):
            lines.append(f"Contact: <{contact or self.contact}>")
        return self.send(_finish(lines, headers, body, "application/sdp"))

    def sdp(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        formats: str = "0 8 101",
        extra: str = "",
        version: int = 1,
        protocol: str = "RTP/AVP",
        dtmf: int = 101,
    ) -> bytes:
        """An offer or answer of one audio stream. `extra`: more lines of it, each with its CRLF."""
        address = host or self.host
        family = "IP6" if ":" in address else "IP4"
        rtpmap = (
            f"a=rtpmap:{dtmf} telephone-event/8000\r\na=fmtp:{dtmf} 0-15\r\n" if str(dtmf) in formats.split() else ""
        )
        author = self.agent.partition("/")[0].replace(" ", "")
        return (
            f"v=0\r\no={author} 1 {version} IN {family} {address}\r\ns={self.agent}\r\n"
            f"c=IN {family} {address}\r\nt=0 0\r\n"
            f"m=audio {self.rtp_port if port is None else port} {protocol} {formats}\r\n{rtpmap}{extra}"
        ).encode()

    # ---- audio ------------------------------------------------------------------------------------------------------

    def rtp_packet(self, payload: bytes, *, payload_type: int = 0, marker: bool = False, ticks: int = 160) -> bytes:
        """The next packet of our stream (RFC 3550 section 5.1)."""
        self._rtp_sequence = self._rtp_sequence + 1 & 0xFFFF
        stamp = self._rtp_sequence * ticks & 0xFFFFFFFF
        second = payload_type | (0x80 if marker else 0)
        return struct.pack("!BBHII", 0x80, second, self._rtp_sequence, stamp, self._ssrc) + payload

    def send_rtp(self, packet: bytes, to: Address, *, through: socket.socket | None = None) -> None:
        """One packet. `through`: another socket than that of our SDP."""
        one = through or self._rtp
        with suppress(OSError):  # nobody is at an address that leads nowhere; a packet on its way is what one would see
            one.sendto(packet, to)
        if self.capture is not None:
            self.capture.udp((self.host, int(one.getsockname()[1])), to, packet)

    def talk(self, to: Address, seconds: float, *, octet: int = 0xD5, through: socket.socket | None = None) -> None:
        """20 ms packets of this octet at the usual pace; what comes meanwhile is kept."""
        begun = time.monotonic()
        for n in range(max(1, round(seconds / RTP_SECONDS))):
            self.send_rtp(self.rtp_packet(bytes([octet]) * 160), to, through=through)
            while (left := begun + (n + 1) * RTP_SECONDS - time.monotonic()) > 0:
                self.poll(left)


def learn(dialog: Dialog, answer: SipText) -> None:
    """Tag, target and routes from a response to our INVITE (RFC 3261 section 12.1.2)."""
    found = re.search(r";tag=([^;\s]+)", answer.first("To"))
    dialog.remote_tag = found.group(1) if found else ""
    if answer.first("Contact"):
        dialog.target = _uri(answer.first("Contact"))
    routes = [uri for value in answer.every("Record-Route") for uri in re.findall(r"<[^>]*>", value)]
    dialog.routes = routes[::-1]
    dialog.challenge = ""


def media_address(sip: SipText) -> Address:
    """Where an SDP body wants its audio. ValueError when it has none."""
    host = re.search(r"^c=IN IP[46] (\S+)", sip.body, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", sip.body, re.MULTILINE)
    if host is None or port is None:
        raise ValueError(f"no audio in the SDP of {sip.start_line}")
    return host.group(1), int(port.group(1))


def _finish(lines: list[str], headers: str, body: bytes, content_type: str) -> bytes:
    kind = f"Content-Type: {content_type}\r\n" if body else ""
    head = "\r\n".join(lines) + f"\r\n{headers}{kind}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + body


def _uri(value: str) -> str:
    return value.partition("<")[2].partition(">")[0] or value.partition(";")[0]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
