"""The capture is one-sided, or was taken inside the NAT.

Proof: all frames go one way; or every packet of the customer's side carries a private address while the other side is
public, so the packet's source proves nothing about what the world sees.
Traps: other rules must not miss what such a capture cannot hold; they ask for `both_directions`.
Fix: capture at the PBX on the outside interface.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import to_public_peer
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-01",
    title="Capture is one-sided or was taken inside the NAT",
    severity="info",
    reference="how captures work, no standard",
    fix="Capture again at the PBX, both directions, on the interface that faces the provider.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """At most one finding."""
    first = trace.messages[0] if trace.messages else None
    if trace.one_sided:
        yield RULE.finding(
            "Everything in this capture goes one way.",
            "What the other side sent is not in it, so nothing is said about answers that seem to be missing.",
            evidence=[quote(first)],
            key="one-sided",
        )
    elif trace.inside_nat:
        inside = next((message for message in trace.messages if to_public_peer(message)), first)
        source = inside.src.ip if inside is not None and inside.src is not None else "The PBX"
        yield RULE.finding(
            f"The capture was taken inside the NAT: {source} is a private address.",
            "How the packets look outside cannot be seen here; only what the other side answers (received, "
            "rport) tells.",
            evidence=[quote(inside)],
            key="inside",
        )
