"""ICMP says that SIP or RTP does not arrive.

Proof: ICMP destination unreachable (or ICMPv6 type 1) that quotes a SIP message's or an RTP stream's ports.
Traps: port unreachable for RTP right after the call's end is normal: the socket is closed first. So is one for the
first packets, when they come before the port is open and those that follow are taken. With ICE (RFC 8445) the sender
starts at the address in SDP and goes on at the one that its checks have found. RTCP is MEDIA-10.
Fix: open the port, start the service; administratively prohibited is a firewall's rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.capture import Endpoint, IcmpError
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.stream import Stream
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote_place
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="NET-02",
    title="ICMP unreachable answers SIP or RTP",
    severity="critical",
    reference="RFC 792, RFC 1812 section 5.2.7.1, RFC 4443 section 3.1",
    fix="Open the port or start the service there; where it says prohibited, change the firewall's rule.",
)
V4 = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    9: "network prohibited",
    10: "host prohibited",
    13: "prohibited by a filter",
}
V6 = {0: "no route", 1: "prohibited", 3: "address unreachable", 4: "port unreachable", 5: "prohibited", 6: "rejected"}
AFTER_END = 0.5
GOES_ON = 0.3


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per destination and reason."""
    sip = {point for message in trace.messages for point in (message.src, message.dst) if point is not None}
    heard: dict[Endpoint, float] = {}
    for message in trace.messages:
        if message.src is not None and message.time is not None:
            heard[message.src] = message.time
    streams = {(stream.src, stream.dst): number for number, stream in enumerate(trace.media.streams)}
    calls = {call.id: call for call in trace.calls}
    known: dict[tuple[Endpoint, Endpoint], tuple[bool, Endpoint | None]] = {}
    for error in trace.capture.icmp:
        words = (V6 if ":" in error.sender else V4).get(error.code) if error.type in (1, 3) else None
        if words is None:
            continue
        evidence = quote_place(
            error.place, "ICMP", f"{words}: {error.src} to {error.dst}, said by {error.sender}", error.time
        )
        if error.dst in sip and error.src in sip:
            later = heard.get(error.dst, 0.0) > error.time
            yield RULE.finding(
                f"{error.sender} says {words} to the SIP messages from {error.src} to {error.dst}."
                + (" Later messages came from there." if later else ""),
                _why(words),
                calls=_calls_to(trace, error),
                evidence=[evidence],
                severity="warn" if later else "critical",
                key=f"sip:{error.dst}:{words}:{later}",
            )
        elif (error.src, error.dst) in streams:
            stream = trace.media.streams[streams[error.src, error.dst]]
            call = calls.get(stream.call or "")
            if (
                call is None
                or call.answered is None
                or (call.ended is not None and error.time > call.ended - AFTER_END)
            ):
                continue
            if (error.src, error.dst) not in known:
                known[error.src, error.dst] = _taken_later(trace, error, stream), _goes_on_at(trace, error, stream)
            taken, moved = known[error.src, error.dst]
            light = taken or moved is not None
            yield RULE.finding(
                f"{error.sender} says {words} to the RTP from {error.src} to {error.dst}."
                + (" The packets that followed were taken." if taken else "")
                + (f" The sender then went on to {moved}, where nothing was refused." if moved is not None else ""),
                _why(words),
                calls=[call.id],
                evidence=[evidence],
                severity="info" if light else "critical",
                key=f"rtp:{error.dst.ip}:{words}:{light}",
            )


def _taken_later(trace: Trace, error: IcmpError, stream: Stream) -> bool:
    """Whether only the first packets of a stream were refused: its receiver was late to open the port. A host that
    limits its ICMP answers, as Linux does to one a second, says so again within two seconds while the port is closed.
    """
    same = [other.time for other in trace.capture.icmp if other.src == error.src and other.dst == error.dst]
    calm = 0.5 if len(same) <= 3 else 2.0
    return max(same) - stream.first < 0.5 and stream.last - max(same) > calm and stream.packets >= 20


def _goes_on_at(trace: Trace, error: IcmpError, stream: Stream) -> Endpoint | None:
    """Where the same socket sends its audio of the call later, if that is another place and nobody refuses it."""
    refused = {other.dst for other in trace.capture.icmp if other.src == error.src and other.protocol == "udp"}
    for other in trace.media.streams:
        if (
            other.call == stream.call
            and (other.src, other.payload_type) == (stream.src, stream.payload_type)
            and other.dst not in refused
            and other.last > stream.last + GOES_ON
            and other.packets > 20
        ):
            return other.dst
    return None


def _why(words: str) -> str:
    if "prohibited" in words or "filter" in words or "rejected" in words:
        return "A firewall on the way refuses these packets and says so."
    if words.startswith("port"):
        return "The host is there, and no program listens on this port."
    return "The network does not know the way to this address."


def _calls_to(trace: Trace, error: IcmpError) -> list[str]:
    return [
        hop.id
        for hop in facts_of(trace).hops
        if any(
            message.dst == error.dst and message.time is not None and -5.0 < message.time - error.time < 0.5
            for message in hop.messages
        )
    ]
