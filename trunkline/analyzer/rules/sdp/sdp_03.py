"""Hold that is never released, or media that was never switched on.

Proof: the last description of a side says sendonly, inactive, 0.0.0.0 or port 0 until the call ends, or the first offer
of a call is like that.
Traps: sendonly with a recvonly answer is how announcements are sent; a call that ends within seconds of the hold was
hung up by somebody who waited.
Fix: music on hold and the hold button's settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message, Sdp
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.descriptions import audio, described, muted
from trunkline.analyzer.rules.dialogs import bye_of
from trunkline.analyzer.rules.facts import Hop, facts_of
from trunkline.analyzer.rules.quote import quote_sdp
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="SDP-03",
    title="Media on hold or inactive to the end",
    severity="warn",
    reference="RFC 3264 sections 8.4 and 5.1",
    fix="Let the PBX offer active media again when the hold ends.",
)
LONG = 5.0
"""Seconds of hold at the end of a call that somebody would have noticed."""


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per side and kind of hold: the first hop of those that pass it on."""
    told: set[tuple[str, str, bool]] = set()
    for hop, message, sdp, begins in _held(trace):
        key = (hop.dialog.call_id, message.from_tag, begins)
        if key not in told:
            told.add(key)
            yield _finding(hop, message, sdp, begins=begins)


def _held(trace: Trace) -> Iterator[tuple[Hop, Message, Sdp, bool]]:
    """Hop, the message that holds, and whether the call begins so."""
    for hop in facts_of(trace).calls():
        last: dict[str, tuple[Message, Sdp]] = {}
        first: tuple[Message, Sdp] | None = None
        for message, sdp in described(hop):
            if message.status < 300:
                last[hop.sender(message)] = (message, sdp)
                first = first or (message, sdp)
        if first is not None and first[0].is_request and not first[0].to_tag and _is_dead(first[1]):
            yield hop, *first, True
            continue
        if any(e.method == "REFER" and e.final is not None and e.final.status < 300 for e in hop.exchanges):
            continue  # held while it is transferred: nobody takes it back
        for message, sdp in last.values():
            if message.is_request and message.to_tag and muted(audio(sdp)) and _lasted(hop, message):
                yield hop, message, sdp, False


def _is_dead(sdp: Sdp) -> bool:
    """Offers no audio at all: nothing may come, nothing is sent."""
    section = audio(sdp)
    return section is not None and (
        section.direction == "inactive" or (section.port == 0 and all(not other.port for other in sdp.media))
    )


def _lasted(hop: Hop, message: Message) -> bool:
    bye = bye_of(hop)
    end = bye.request.time if bye is not None and bye.request is not None else None
    if end is None or message.time is None:
        return False
    return end - message.time > LONG


def _finding(hop: Hop, message: Message, sdp: Sdp, *, begins: bool) -> Finding:
    kind = muted(audio(sdp)) or "inactive"
    return RULE.finding(
        f"{'The call is offered' if begins else 'The call is put on hold'} with {kind} by {message.src or 'one side'}"
        + (": neither side may send audio." if begins else " and stays so to its end."),
        "Whoever is held hears nothing, or music only. Some equipment offers a call like that by mistake, and others "
        "refuse it.",
        calls=[hop.id],
        evidence=[quote_sdp(message, {"port 0": "m=audio", "0.0.0.0": "c="}.get(kind, f"a={kind}"))],
        confidence="proven" if begins else "strong",
        key=f"{message.src.ip if message.src else ''}:{kind}:{begins}",
        values=values_of(hop, message),
    )
