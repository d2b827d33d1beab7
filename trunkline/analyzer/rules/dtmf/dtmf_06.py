"""The same digit sent in two ways.

Proof: an INFO and an event (or a tone and an event) for the same digit within half a second.
Traps: a second press of the key comes later than that.
Fix: one way only.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.flows import flows_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DTMF-06",
    title="The same digit sent in two ways",
    severity="warn",
    reference="RFC 4733 section 2.3, RFC 6086",
    fix="Choose one way of DTMF: RFC 4733.",
    needs=("media",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    infos = [
        (exchange.id, exchange.request, digit)
        for exchange in facts_of(trace).by_method.get("INFO", ())
        if exchange.request is not None and (digit := _digit(exchange.request))
    ]
    for flow in flows_of(trace):
        for event in flow.stream.events:
            tone = next(
                (t for t in flow.stream.tones if t.digit == event.digit and abs(t.start - event.start) < WITHIN), None
            )
            info = next(
                (
                    message
                    for call, message, digit in infos
                    if call == flow.stream.call
                    and digit == event.digit
                    and message.time is not None
                    and abs(message.time - event.start) < WITHIN
                ),
                None,
            )
            if tone is None and info is None:
                continue
            way = "by INFO" if info is not None else "as a tone in the audio"
            yield RULE.finding(
                f"{flow.stream.src} sends the digit {event.digit} as an event and again {way}.",
                "A menu at the other end may take it for two digits.",
                calls=flow.calls,
                evidence=[flow.quoted(f"event {event.digit}"), quote(info, "Content-Type") if info else None],
                confidence="strong" if info is not None else "hint",
                key=f"{flow.stream.src.ip}:{way}",
            )
            break


WITHIN = 0.5
"""Seconds."""


def _digit(message: Message) -> str:
    """Of application/dtmf-relay (`Signal=5`) or application/dtmf (`5`)."""
    if not message.value("Content-Type").lower().startswith("application/dtmf"):
        return ""
    text = message.body[:200].decode("ascii", "replace").strip()
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and name.strip().lower() == "signal":
            return value.strip()
    return text if len(text) == 1 else ""
