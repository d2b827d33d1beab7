"""SIP traffic of rule tests: a few lines become real messages, and these a `Trace`.

    0     > INVITE sip:+4930123456@acme.pstn.twilio.com | sdp 203.0.113.10
    0.05  < 407 | Proxy-Authenticate: Digest realm="sip.twilio.com",nonce="n1",qop="auth"
    0.05  > ACK

A line is a time in seconds, a direction (`>`: the first host to the second, `<`: back, `x>y`: hosts by name), a method
with its Request-URI or a status with its reason, and after `|` headers (`Name: value` replaces, `+Name: value` adds,
`-Name` takes away), `sdp ADDRESS [PORT] [attribute ...]` or `lines v=0 / o=... / ...`. Words with `#` between: `#id=2`
another Call-ID, `#again` the same request once more, `#cseq=7`, `#branch=x`, `#to=INVITE` what a response answers,
`#totag=x` (`#totag=` none), `#fromtag=x`, `#tcp`, `#tls`.
Tags, CSeq, branches, Contact and Content-Length are made as a phone would make them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.model.capture import Capture, Endpoint, Place, RawMessage, SourceFile
from trunkline.analyzer.model.stream import Media
from trunkline.analyzer.model.trace import Options, Trace

BASE = 1_700_000_000.0
PBX, PHONE, PUBLIC, OTHER = "192.168.1.10:5060", "192.168.1.77:5062", "203.0.113.10:5060", "198.51.100.20:5060"
TWILIO = "54.172.60.1:5060"
DEFAULT_URI = "sip:+4930123456@acme.pstn.twilio.com"


@dataclass
class Sent:
    method: str
    ruri: str
    cseq: int
    branch: str
    side: str
    headers: list[str]
    vias: list[str]


@dataclass
class Dialog:
    starter: str = ""
    cseq: dict[str, int] = field(default_factory=dict)
    answered: bool = False
    last: dict[str, Sent] = field(default_factory=dict)
    """By side: the last request but ACK."""
    by_method: dict[str, Sent] = field(default_factory=dict)
    count: int = 0
    data: dict[str, bytes] = field(default_factory=dict)
    """The bytes of the last request of each method, for `#again`."""


def capture_of(text: str, hosts: dict[str, str], *, source: str = "packet") -> Capture:
    dialogs: dict[str, Dialog] = {}
    messages = []
    for number, line in enumerate((line for line in text.splitlines() if line.strip()), 1):
        messages.append(_message(line.strip(), number, dialogs, hosts, source))
    return Capture([SourceFile("test.pcap", "pcap", 1000, packets=len(messages))], messages)


def trace_of(
    text: str,
    a: str = PUBLIC,
    b: str = TWILIO,
    *,
    provider: str | None = None,
    media: Media | None = None,
    capture: Capture | None = None,
    until: float | None = None,
    options: Options | None = None,
    hosts: dict[str, str] | None = None,
    source: str = "packet",
) -> Trace:
    """`until`: how long the capture goes on, in seconds (default: 100 s behind the last message)."""
    made = capture_of(text, {"a": a, "b": b, **(hosts or {})}, source=source)
    if capture is not None:
        capture.messages[:0] = made.messages
        capture.files = capture.files or made.files
        made = capture
    last = max((message.time for message in made.messages if message.time is not None), default=BASE)
    made.files[0].first, made.files[0].last = BASE, BASE + until if until is not None else last + 100.0
    trace = build_trace(made, media or Media(), options or Options(provider=provider))
    trace.end = made.files[0].last
    return trace


def endpoint(text: str) -> Endpoint:
    ip, _, port = text.rpartition(":")
    return Endpoint(ip.strip("[]"), int(port))


def _message(line: str, number: int, dialogs: dict[str, Dialog], hosts: dict[str, str], source: str) -> RawMessage:
    head, *extras = [part.strip() for part in line.split(" | ")]
    time, way, *words = head.split()
    marks = dict(word[1:].partition("=")[::2] for word in words if word.startswith("#"))
    words = [word for word in words if not word.startswith("#")]
    source_name, _, target_name = {">": "a>b", "<": "b>a"}.get(way, way).partition(">")
    src, dst = endpoint(hosts[source_name]), endpoint(hosts[target_name])
    call_id = marks.get("id", "1")
    dialog = dialogs.setdefault(call_id, Dialog())
    transport = next((name for name in ("tcp", "tls", "udp") if name in marks), "udp")
    if words[0].isdigit():
        start, headers = _response(dialog, source_name, target_name, words, marks, call_id)
    else:
        start, headers = _request(dialog, source_name, target_name, words, marks, call_id, src, transport)
    body = b""
    for extra in extras:
        if extra.startswith("lines "):
            body = "".join(f"{line.strip()}\r\n" for line in extra[6:].split(" / ")).encode()
            headers["Content-Type"] = ["application/sdp"]
        elif extra.startswith("sdp "):
            body = _sdp(extra.split()[1:])
            headers["Content-Type"] = ["application/sdp"]
        elif extra.startswith("-"):
            headers.pop(extra[1:], None)
        elif extra.startswith("+"):
            name, _, value = extra[1:].partition(":")
            headers.setdefault(name, []).append(value.strip())
        else:
            name, _, value = extra.partition(":")
            headers[name] = [value.strip()]
    headers.setdefault("Content-Length", [str(len(body))])
    lines = [start, *(f"{name}: {value}" for name, values in headers.items() for value in values), "", ""]
    data = "\r\n".join(lines).encode() + body
    if "again" in marks and not extras:
        data = dialog.data[words[0]]
    dialog.data[words[0]] = data
    return RawMessage(
        data,
        Place(0, number),
        BASE + float(time),
        src,
        dst,
        transport,  # type: ignore[arg-type]
        source,  # type: ignore[arg-type]
        frames=(number,),
        wire_length=len(data) if transport == "udp" else None,
    )


def _request(dialog, me, other, words, marks, call_id, src, transport):
    method = words[0]
    dialog.starter = dialog.starter or me
    before = dialog.by_method.get("INVITE") if method in ("ACK", "CANCEL") else dialog.last.get(me)
    if "again" in marks and method in dialog.by_method:
        sent = dialog.by_method[method]
        cseq, branch, ruri = sent.cseq, sent.branch, sent.ruri
    else:
        ruri = words[1] if len(words) > 1 else before.ruri if before is not None else DEFAULT_URI
        cseq = dialog.cseq.get(me, 0) + 1
        dialog.count += 1
        branch = f"z9hG4bK-{call_id}-{me}-{dialog.count}"
        if method in ("ACK", "CANCEL") and before is not None:
            cseq = before.cseq
            if not (method == "ACK" and dialog.answered):
                branch = before.branch
    cseq, branch = int(marks.get("cseq", cseq)), marks.get("branch", branch)
    dialog.cseq[me] = max(cseq, dialog.cseq.get(me, 0))
    tagged = dialog.answered or (method == "ACK" and dialog.starter == me)
    to_tag = marks.get("totag", f"{call_id}{other}" if tagged else "")
    from_tag = marks.get("fromtag", f"{call_id}{me}")
    caller, callee = "+4989654321", ruri.partition(":")[2].partition("@")[0]
    vias = [f"SIP/2.0/{transport.upper()} {src.ip}:{src.port};rport;branch={branch}"]
    headers = {
        "Via": vias,
        "From": [f"<sip:{caller}@{src.ip}>;tag={from_tag}"],
        "To": [f"<sip:{callee}@acme.pstn.twilio.com>" + (f";tag={to_tag}" if to_tag else "")],
        "Call-ID": [f"{call_id}@test"],
        "CSeq": [f"{cseq} {method}"],
        "Max-Forwards": ["70"],
    }
    if method in ("INVITE", "REGISTER", "SUBSCRIBE", "UPDATE", "REFER", "NOTIFY"):
        headers["Contact"] = [f"<sip:pbx@{src.ip}:{src.port}>"]
    if "again" not in marks:
        sent = Sent(method, ruri, cseq, branch, me, [*headers["From"], *headers["To"]], vias)
        dialog.by_method[method] = sent
        if method != "ACK":
            dialog.last[me] = sent
    return f"{method} {ruri} SIP/2.0", headers


def _response(dialog, me, other, words, marks, call_id):
    status = int(words[0])
    sent = dialog.by_method[marks["to"]] if "to" in marks else dialog.last.get(other) or dialog.last[dialog.starter]
    to = sent.headers[1]
    tag = marks.get("totag", f"{call_id}{me}" if status > 100 else "")
    if ";tag=" not in to and tag:
        to += f";tag={tag}"
    headers = {
        "Via": list(sent.vias),
        "From": [sent.headers[0]],
        "To": [to],
        "Call-ID": [f"{call_id}@test"],
        "CSeq": [f"{marks.get('cseq', sent.cseq)} {sent.method}"],
    }
    if 200 <= status < 300 and sent.method == "INVITE":
        dialog.answered = True
    if sent.method == "INVITE" and 100 < status < 300:
        headers["Contact"] = [f"<sip:{me}@203.0.113.99:5060>"]
    reason = " ".join(words[1:]) or {100: "Trying", 180: "Ringing", 200: "OK"}.get(status, "Something")
    return f"SIP/2.0 {status} {reason}", headers


def _sdp(words: list[str]) -> bytes:
    address, *rest = words
    port = rest.pop(0) if rest and rest[0].isdigit() else "4000"
    lines = [
        *("v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"),
        *(f"m=audio {port} RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000", *(f"a={item}" for item in rest)),
    ]
    return ("\r\n".join(lines) + "\r\n").encode()
