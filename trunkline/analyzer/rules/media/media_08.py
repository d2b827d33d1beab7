"""RTP goes on after the end of the call.

Proof: a stream of the call lasts more than a second beyond the answer to the BYE.
Traps: a fifth of a second is normal. The port may serve the next call already: streams of other calls do not count.
Fix: the switch whose call stays up.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.flows import Flow, flows_of
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="MEDIA-08",
    title="RTP continues after the call",
    severity="warn",
    reference="RFC 3261 section 15.1.2",
    fix="Find the call that stays up on the sending side; its BYE did not reach it.",
    needs=("media", "time"),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for flow in flows_of(trace):
        ended = _bye_answered(flow)
        if ended is None or not flow.receiver_says or flow.stream.first > ended:
            continue
        beyond = flow.stream.last - ended
        if beyond < 1.0:
            continue
        yield RULE.finding(
            f"{flow.stream.src} sends audio for {beyond:.1f} s after the call was hung up.",
            "It does not know that the call is over: a ghost call that keeps a line busy and may be billed.",
            calls=flow.calls,
            evidence=[flow.quoted(f"last packet {beyond:.1f} s after the answer to BYE")],
            confidence="strong",
            key=flow.stream.src.ip,
        )


def _bye_answered(flow: Flow) -> float | None:
    """When the BYE got its 200; None where it did not."""
    for exchange in flow.hop.exchanges if flow.hop is not None else ():
        final = exchange.final
        if exchange.method == "BYE" and final is not None and 200 <= final.status < 300:
            return final.time
    return None
