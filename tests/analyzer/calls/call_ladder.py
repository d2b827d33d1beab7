"""Ladders for tests: who sends what to whom, as messages."""

from __future__ import annotations

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.model.capture import Capture, Endpoint, LinkFacts, Place, RawMessage, SourceFile
from trunkline.analyzer.model.stream import Media
from trunkline.analyzer.model.trace import Options

SDP = (
    "v=0\r\no=- {n} {n} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def sdp(ip, port, n=1):
    return SDP.format(ip=ip, port=port, n=n)


class Leg:
    """One Call-ID between two endpoints."""

    def __init__(self, ladder, call_id, caller, callee, *, number="+15551230000", by="+15557654321", host="", **more):
        self.ladder = ladder
        self.call_id = call_id
        self.caller, self.callee = Endpoint(*caller), Endpoint(*callee)
        self.number, self.by, self.host = number, by, host or callee[0]
        self.more = more
        """`agent` (of the caller), `server` (of the callee), `headers` (of each request of the caller)."""

    def request(self, at, method, cseq=1, *, branch="b1", back=False, tag="", body="", headers="", ftag="f", **raw):
        src, dst = (self.callee, self.caller) if back else (self.caller, self.callee)
        here, there = f"<sip:{self.by}@{self.caller.ip}>", f"<sip:{self.number}@{self.host}>"
        if back:
            here, there = there, here
        mine, yours = ("t", "f") if back else (ftag, tag)
        agent = self.more.get("server" if back else "agent", "")
        text = (
            f"{method} sip:{self.number}@{self.host} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {src.ip}:{src.port};branch=z9hG4bK{self.call_id}{branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: {here};tag={mine}\r\nTo: {there}{f';tag={yours}' if yours else ''}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
            + (f"User-Agent: {agent}\r\n" if agent else "")
            + (self.more.get("headers", "") if not back else "")
            + headers
        )
        self.ladder.add(at, text, body, src, dst, raw)
        return self

    def answer(
        self, at, status, method="INVITE", cseq=1, *, branch="b1", back=False, tag="t", body="", headers="", **raw
    ):
        src, dst = (self.caller, self.callee) if back else (self.callee, self.caller)
        here, there = f"<sip:{self.by}@{self.caller.ip}>", f"<sip:{self.number}@{self.host}>"
        mine, yours = "f", tag
        if back:
            here, there, mine, yours = there, here, "t", "f"
        server = self.more.get("agent" if back else "server", "")
        text = (
            f"SIP/2.0 {status} Reason\r\nVia: SIP/2.0/UDP {dst.ip}:{dst.port};branch=z9hG4bK{self.call_id}{branch}\r\n"
            f"From: {here};tag={mine}\r\nTo: {there}{f';tag={yours}' if yours and status > 100 else ''}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
            + (f"Server: {server}\r\n" if server else "")
            + headers
        )
        self.ladder.add(at, text, body, src, dst, raw)
        return self

    def call(self, at, talk=10.0, *, offer="", answer="", status=200):
        """A whole call: INVITE, 100, 180, 200, ACK, BYE of the caller, 200."""
        self.request(at, "INVITE", body=offer).answer(at + 0.01, 100).answer(at + 0.5, 180)
        self.answer(at + 2, status, body=answer)
        if status >= 300:
            return self.request(at + 2.01, "ACK", tag="t")
        self.request(at + 2.02, "ACK", branch="b2", tag="t")
        self.request(at + 2 + talk, "BYE", 2, branch="b3", tag="t")
        return self.answer(at + 2.02 + talk, 200, "BYE", 2, branch="b3")


class Ladder:
    """Messages in the making."""

    def __init__(self):
        self.raw = []

    def add(self, at, text, body, src, dst, more):
        if body:
            text += "Content-Type: application/sdp\r\n"
        data = f"{text}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        place = Place(more.pop("file", 0), len(self.raw) + 1)
        values = {"transport": "udp", "link": LinkFacts(ip_id=1000 + len(self.raw), ttl=64)} | more
        self.raw.append(RawMessage(data, place, at, src, dst, **values))

    def leg(self, *args, **more):
        return Leg(self, *args, **more)

    def trace(self, media=None, end=None, **options):
        self.raw.sort(key=lambda raw: raw.time)
        file = SourceFile("test.pcap", "pcap", 0, last=end)
        files = [file] * (1 + max((raw.place.file for raw in self.raw), default=0))
        capture = Capture(files=files, messages=self.raw)
        return build_trace(capture, media or Media(), Options(**options))
