"""The transport in the message is not the one it travels by.

Proof: the top Via of a request names another transport than the packets, or the Request-URI is sips: over UDP or TCP.
Traps: text logs and HEP may not know the transport. A request that was answered well: information.
Fix: transport= in the trunk's settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NET-08",
    title="Transport in Via or URI does not fit the packets",
    severity="warn",
    reference="RFC 3261 sections 18.1.1, 18.2.1 and 26.2.2",
    fix="Align transport= of URI, Contact and Via with the transport in use; for TLS use sip: with ;transport=tls.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per pair of transports."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if (
            request is None
            or request.raw.transport not in ("udp", "tcp")
            or request.raw.source == "text"
            or not request.vias
        ):
            continue
        said, used = request.vias[0].transport.lower(), request.raw.transport
        if said == used and request.ruri[:5].lower() != "sips:":
            continue
        fine = exchange.final is not None and exchange.final.status < 300
        what = ""
        if said in ("udp", "tcp", "tls", "sctp", "ws", "wss") and said != used and {said, used} != {"tls", "tcp"}:
            what = f"The Via of {exchange.method} says {said.upper()}, the packet is {used.upper()}."
        elif request.ruri[:5].lower() == "sips:":
            what = f"{exchange.method} goes to a sips: URI over {used.upper()}: that is not encrypted."
        if not what:
            continue
        yield RULE.finding(
            what,
            "The other side answers by what the Via says, or refuses a sips: URI that came unprotected.",
            calls=[exchange.id],
            evidence=[quote(request, "Via"), quote(request)],
            severity="info" if fine else "warn",
            confidence="strong",
            key=f"{what[:4]}{said}:{used}:{fine}",
            transport=used,
            values=values_of(exchange.hop, request),
        )
