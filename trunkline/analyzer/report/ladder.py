"""A call as a ladder: hosts are lanes, messages arrows, media bands. What the SVG, the terminal and Mermaid draw."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from trunkline.analyzer.model.call import Call, Dialog
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding, Severity
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.report.verdict import counted

GRAVITY: dict[str, int] = {"": 0, "info": 1, "warn": 2, "security": 3, "critical": 4}


@dataclass(slots=True)
class Lane:
    """One host, with all of its ports; of a host that speaks to itself one of its programs."""

    name: str
    """Its address, with the SIP port where it speaks to itself, or `caller` and `callee` where the log names none."""
    program: str = ""
    """What it calls itself in User-Agent or Server."""


@dataclass(slots=True)
class Arrow:
    """One message."""

    source: int
    """Index into `Ladder.lanes`."""
    target: int
    label: str
    message: int
    """Index into `Trace.messages`."""
    time: float | None
    ports: str
    """`5060 → 5080`, empty where it is not known."""
    fault: Severity | None = None
    """The gravest finding that quotes this message."""
    repeated: bool = False
    """A retransmission."""


@dataclass(slots=True)
class Band:
    """The media of one direction."""

    source: int
    target: int
    label: str
    stream: int
    """Index into `Media.streams`."""
    time: float
    end: float


@dataclass(slots=True)
class Ladder:
    """Steps in the order of time."""

    call: str
    lanes: list[Lane] = field(default_factory=list)
    steps: list[Arrow | Band] = field(default_factory=list)
    start: float | None = None
    left_out: int = 0
    """Messages beyond `most`."""

    def lane(self, name: str) -> int:
        for place, lane in enumerate(self.lanes):
            if lane.name == name:
                return place
        self.lanes.append(Lane(name))
        return len(self.lanes) - 1


def ladder_of(trace: Trace, call: Call, findings: Iterable[Finding], most: int = 400) -> Ladder:
    """The ladder of a call. Packets that were captured twice are drawn once; beyond `most` messages it is cut."""
    faults = faults_of(findings)
    ladder = Ladder(call.id)
    arrows: list[tuple[float, int, Arrow | Band]] = []
    messages = [(message, dialog) for dialog in call.dialogs for message in dialog.messages]
    messages.sort(key=lambda pair: pair[0].index)
    drawn = [(message, dialog) for message, dialog in messages if message.duplicate_of is None]
    ladder.left_out = max(0, len(drawn) - most)
    within = _within_one_host([message for message, _ in drawn])
    for message, dialog in drawn[:most]:
        arrow = _arrow(ladder, message, dialog, faults, within)
        arrows.append((message.time if message.time is not None else -1.0, message.index, arrow))
    for index in call.streams[:most]:
        stream = trace.media.streams[index]
        label = f"RTP {stream.codec or f'payload type {stream.payload_type}'}, {counted(stream.packets, 'packet')}"
        source, target = ladder.lane(_name(stream.src, within)), ladder.lane(_name(stream.dst, within))
        band = Band(source, target, label, index, stream.first, stream.last)
        arrows.append((stream.first, 1 << 60, band))
    arrows.sort(key=lambda entry: entry[:2])
    ladder.steps = [step for _, _, step in arrows]
    ladder.start = next((step.time for step in ladder.steps if step.time is not None), None)
    return ladder


def faults_of(findings: Iterable[Finding]) -> dict[int, Severity]:
    """Message to the gravest severity of the findings that quote it; remarks are no faults."""
    faults: dict[int, Severity] = {}
    for finding in findings:
        if finding.severity == "info":
            continue
        for evidence in finding.evidence:
            if evidence.message is not None:
                before = faults.get(evidence.message, "")
                if GRAVITY[finding.severity] > GRAVITY[before]:
                    faults[evidence.message] = finding.severity
    return faults


def label_of(message: Message) -> str:
    """`INVITE (SDP)`, `re-INVITE` within a call, `180 Ringing`, `200 OK (SDP) to INVITE`."""
    body = " (SDP)" if message.sdp is not None else ""
    if message.is_request:
        again = "re-" if message.method == "INVITE" and message.to_tag else ""
        return f"{again}{message.method}{body}"
    about = "" if message.cseq_method in ("", "INVITE") else f" to {message.cseq_method}"
    return f"{message.status} {message.reason}".rstrip() + body + about


@dataclass(slots=True)
class _Within:
    """Hosts whose programs speak to one another: a PBX and a proxy on one machine, a test on loopback."""

    hosts: set[str] = field(default_factory=set)
    media: dict[Endpoint, Endpoint] = field(default_factory=dict)
    """Where SDP says that a program gets its audio, to where it speaks SIP."""


def _within_one_host(messages: list[Message]) -> _Within:
    within = _Within()
    for message in messages:
        if message.src is not None and message.dst is not None and message.src.ip == message.dst.ip:
            within.hosts.add(message.src.ip)
    for message in messages if within.hosts else ():
        if message.src is not None and message.src.ip in within.hosts and message.sdp is not None:
            for section in message.sdp.media:
                # Whoever passes an SDP on as it is comes later.
                within.media.setdefault(Endpoint(section.address, section.port), message.src)
    return within


def _name(end: Endpoint, within: _Within) -> str:
    return end.ip if end.ip not in within.hosts else str(within.media.get(end, end))


def _arrow(ladder: Ladder, message: Message, dialog: Dialog, faults: dict[int, Severity], within: _Within) -> Arrow:
    source, target = _ends(message, dialog, within)
    arrow = Arrow(
        ladder.lane(source),
        ladder.lane(target),
        label_of(message),
        message.index,
        message.time,
        f"{message.src.port} → {message.dst.port}" if message.src and message.dst else "",
        faults.get(message.index),
        message.retransmission_of is not None,
    )
    lane = ladder.lanes[arrow.source]
    if not lane.program:
        lane.program = message.value("User-Agent") or message.value("Server")
    return arrow


def _ends(message: Message, dialog: Dialog, within: _Within) -> tuple[str, str]:
    """Names of the lanes. A log that does not name the peers still says, by the tags, who speaks to whom."""
    if message.src is not None and message.dst is not None:
        return _name(message.src, within), _name(message.dst, within)
    of_caller = (message.from_tag == dialog.from_tag) == message.is_request
    known = message.src or message.dst
    if known is not None:
        return (known.ip, "peer") if message.src is not None else ("peer", known.ip)
    return ("caller", "callee") if of_caller else ("callee", "caller")
