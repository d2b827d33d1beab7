"""No audio in either direction.

Proof: a call is answered with active media on both sides, and no RTP goes to any port of its SDP, while the capture
holds RTP of other calls.
Traps: a capture of signalling alone holds no media at all: nothing is missing then. Calls under 3 s. A capture that was
taken at one host sees nothing of media that pass it by.
Fix: the firewall's UDP range, addresses in SDP.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described
from trunkline.analyzer.rules.dialogs import answer_of, bye_of
from trunkline.analyzer.rules.facts import Hop, facts_of
from trunkline.analyzer.rules.quote import quote, quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="MEDIA-01",
    title="No audio in either direction",
    severity="critical",
    reference="RFC 3264 section 6.1, RFC 3550",
    fix="Open the UDP ports of media in the firewall, and check the addresses in the SDP.",
    needs=("media", "time", "addresses", "both_directions"),
)
SHORTEST = 3.0
"""Seconds of talk by which RTP must have been seen."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of hosts."""
    if not trace.media.streams:
        return
    busy = {end for stream in trace.media.streams for end in (stream.src, stream.dst)}
    with_media = {stream.call for stream in trace.media.streams}
    media_hosts = {end.ip for end in busy}
    vantage = _vantage(trace)
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        if answer is None or hop.id in with_media or _talked(trace, hop) < SHORTEST:
            continue
        sections = [(message, audio(sdp)) for message, sdp in described(hop) if message.status < 300]
        if len(sections) < 2 or any(s is None or not s.port or s.direction != "sendrecv" for _, s in sections):
            continue
        ends = {Endpoint(section.address, section.port) for _, section in sections if section is not None}
        # Where none of the hosts sends RTP elsewhere in the capture, it may have been taken away from the media.
        if ends & busy or not {end.ip for end in ends} & media_hosts:
            continue
        if vantage and not {end.ip for end in ends} & vantage:
            continue
        if len({end.ip for end in ends}) == 1:
            continue  # two programs on one machine, or behind one NAT: their audio passes no network that is captured
        yield RULE.finding(
            f"The call is answered, and no RTP goes to {' or '.join(map(str, sorted(ends)))} for "
            f"{_talked(trace, hop):.0f} s, although the capture holds RTP of other calls.",
            "Both sides hear silence. A firewall stops UDP, or the SDP names addresses that nobody can reach.",
            calls=[hop.id],
            evidence=[quote(answer.ok), quote_sdp(answer.ok, "m=audio"), quote_sdp(answer.invite, "m=audio")],
            confidence="strong",
            key="|".join(sorted(end.ip for end in ends)),
            values=values_of(hop, answer.invite, answer.ok),
        )


def _vantage(trace: Trace) -> set[str]:
    """The hosts that every SIP and RTP packet comes from or goes to: the capture was taken there. Mostly none."""
    common: set[str] | None = None
    pairs = {(m.src.ip, m.dst.ip) for m in trace.messages if m.src is not None and m.dst is not None}
    for pair in pairs | {(stream.src.ip, stream.dst.ip) for stream in trace.media.streams}:
        common = set(pair) if common is None else common & set(pair)
    return common or set()


def _talked(trace: Trace, hop: Hop) -> float:
    answer, bye = answer_of(hop), bye_of(hop)
    end = bye.request.time if bye is not None and bye.request is not None else trace.end
    return end - answer.ok.time if answer is not None and answer.ok.time is not None and end is not None else 0.0
