"""183 with SDP, and silence.

Proof: 183 with SDP, no 180, no RTP from that side for more than 2 s before the answer, though the capture holds media
of the call or of others.
Traps: captures of the signalling alone; one direction only; streams of the other hop carry the audio.
Fix: ringback by the PBX itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="EARLY-02",
    title="Early media announced, but silent",
    severity="warn",
    reference="RFC 3960 sections 2 and 3.2, RFC 3261 section 13.2.1",
    fix="Let the PBX play ringback itself until early media really arrives; open RTP before the answer.",
    needs=("time", "addresses", "both_directions", "media"),
)
QUIET = 2.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per side."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        early = next((m for m in exchange.transaction.responses if m.status == 183 and m.sdp is not None), None)
        audio = early.sdp.first("audio") if early is not None and early.sdp is not None else None
        if early is None or audio is None or early.time is None or audio.direction not in ("sendrecv", "sendonly"):
            continue
        if any(message.status == 180 for message in exchange.transaction.responses) or not audio.port:
            continue
        end = exchange.final.time if exchange.final is not None else trace.end
        if end is None or end - early.time < QUIET:
            continue
        streams = trace.media.streams
        offer = (
            exchange.request.sdp.first("audio")
            if exchange.request is not None and exchange.request.sdp is not None
            else None
        )
        near = [s for s in streams if s.first < end and s.last > early.time - 1.0]
        ours = offer is not None and any(offer.port in (s.dst.port, s.src.port) for s in streams)
        if not ours or any(s.src.ip == audio.address or (offer is not None and s.dst.port == offer.port) for s in near):
            continue
        yield RULE.finding(
            f"183 with SDP promised early media, and for {end - early.time:.1f} s none came.",
            "A caller that gets 183 with SDP plays what arrives and makes no ringback of its own: it hears nothing.",
            calls=[exchange.id],
            evidence=[quote(early), quote_sdp(early, "c=")],
            confidence="hint",
            key=audio.address,
            values=values_of(exchange.hop, exchange.request, early),
        )
