"""The PBX is behind NAT.

Proof: received or rport in the replies differs from what the Via says.
Traps: a fact, not a fault.
Fix: none needed by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private, is_public
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import local_network

RULE = Rule(
    id="NAT-02",
    title="The PBX is behind NAT",
    severity="info",
    reference="RFC 3261 section 18.2.1, RFC 3581 section 4",
    fix="Nothing has to be done by itself; the PBX must know its public address where it writes addresses.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of addresses."""
    seen: set[tuple[str, str]] = set()
    for exchange in facts_of(trace).exchanges:
        final = exchange.final
        if final is None or not final.vias:
            continue
        via = final.vias[-1]
        received = via.params.get("received") or ""
        if not is_private(via.host) or not is_public(received) or (via.host, received) in seen:
            continue
        seen.add((via.host, received))
        yield RULE.finding(
            f"{via.host} is seen as {received} from outside.",
            "Addresses that the PBX writes into Contact and SDP have to be the public ones.",
            calls=[exchange.id],
            evidence=[quote(final, "Via")],
            key=f"{via.host}:{received}",
            private_ip=via.host,
            public_ip=received,
            local_net=local_network(via.host),
        )
