"""Direct media: after a re-INVITE to a third host the audio stops.

Proof: a re-INVITE that is answered moves the c= of one side to a host that is neither end of the signalling; of the
streams of the call, one way that carried RTP before, or should carry it now, has none in the 3 s after.
Traps: a LAN in which everybody reaches everybody works: RTP flows then, and this is no finding. Hold stops the audio on
purpose.
Fix: direct media off.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import answer_of
from trunkline.analyzer.rules.facts import Exchange, Hop, facts_of, waited
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="REINV-02",
    title="Direct-media re-INVITE breaks the audio",
    severity="critical",
    reference="RFC 3264 section 8.3.1, RFC 3261 section 14.1",
    fix="Turn direct media off, so that the PBX keeps relaying the audio.",
    needs=("time", "addresses", "both_directions", "media"),
)
SETTLE = 3.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per call."""
    told: set[str] = set()
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        if answer is None or not hop.call.streams or hop.id in told:
            continue
        finding = next(filter(None, (_broken(trace, hop, exchange) for exchange in hop.exchanges)), None)
        if finding is not None:
            told.add(hop.id)
            yield finding


def _broken(trace: Trace, hop: Hop, exchange: Exchange) -> Finding | None:
    request, final = exchange.request, exchange.final
    if exchange.method != "INVITE" or request is None or not request.to_tag or final is None or final.status >= 300:
        return None
    if request.sdp is None or final.sdp is None or request.src is None or request.dst is None or final.time is None:
        return None
    offered, answered = request.sdp.first("audio"), final.sdp.first("audio")
    if offered is None or answered is None or not offered.port or not answered.port:
        return None
    if offered.direction != "sendrecv" or answered.direction != "sendrecv" or offered.address in ("", "0.0.0.0"):
        return None
    if offered.address in (request.src.ip, request.dst.ip) or offered.address == _address_before(hop, request):
        return None
    if not waited(trace, final.time, SETTLE):
        return None
    if hop.call.ended is not None and hop.call.ended - final.time < SETTLE:
        return None
    streams = [trace.media.streams[number] for number in hop.call.streams]
    before = [stream for stream in streams if stream.first < final.time and stream.packets > 25]
    after = [
        s for s in streams if s.last > final.time + 1.0 and s.packets > 25 and s.last - max(s.first, final.time) > 1.0
    ]
    ends = {stream.dst.ip for stream in after}
    silent = [host for host in (offered.address, answered.address) if host not in ends]
    if len(before) < 1 or not silent or (not after and trace.end is not None and trace.end - final.time < 5.0):
        return None
    return RULE.finding(
        f"A re-INVITE moved the audio to {offered.address}, and no steady RTP to "
        f"{' and '.join(dict.fromkeys(silent))} followed.",
        "The PBX took itself out of the audio's path; the two ends cannot reach each other directly.",
        calls=[hop.id],
        evidence=[quote_sdp(request, "c="), quote_sdp(final, "c=")],
        confidence="strong",
        key=offered.address,
        phone_ip=offered.address,
        values=values_of(hop, request, final),
    )


def _address_before(hop: Hop, request: Message) -> str:
    """Where the sender of a re-INVITE asked for media until then: fax and codec changes move nothing."""
    before = ""
    for message in hop.messages:
        if message.index >= request.index:
            break
        if message.src == request.src and message.status < 300 and message.sdp is not None and message.sdp.media:
            before = message.sdp.media[0].address
    return before
