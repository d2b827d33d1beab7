"""Plain SIP on the TLS port, or TLS on the plain port.

Proof: readable SIP over TCP to port 5061 without any SIP answer; or a ClientHello to port 5060 without a ServerHello.
Traps: TLS on other ports is legal; plain SIP over UDP may use any port.
Fix: port and transport must fit.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import quote, quote_place
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NET-05",
    title="Plain SIP on the TLS port, or TLS on the plain port",
    severity="critical",
    reference="RFC 3261 sections 18.1 and 19.1.2",
    fix="Use port 5061 with TLS and 5060 with UDP or TCP, on both sides.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server."""
    for exchange in facts_of(trace).exchanges:
        request = exchange.request
        if request is None or request.raw.transport != "tcp" or request.raw.source != "packet" or request.dst is None:
            continue
        if request.dst.port != 5061 or exchange.transaction.responses or trace.one_sided:
            continue
        if not waited(trace, request.time, 2.0):
            continue
        yield RULE.finding(
            f"Readable SIP was sent over TCP to {request.dst}, the port of TLS, and got no answer.",
            "The server waits for a TLS handshake; plain text ends the connection.",
            calls=[exchange.id],
            evidence=[quote(request)],
            confidence="strong",
            key=str(request.dst),
            transport="tls",
            values=values_of(exchange.hop, request),
        )
    greeted = {(fact.dst, fact.src) for fact in trace.capture.tls if fact.kind == "server_hello"}
    for fact in trace.capture.tls:
        if fact.kind != "client_hello" or fact.dst.port != 5060 or (fact.src, fact.dst) in greeted:
            continue
        if not waited(trace, fact.time, 2.0):
            continue
        yield RULE.finding(
            f"{fact.src} began TLS with {fact.dst}, the port of plain SIP, and the server did not answer with TLS.",
            "The server reads the handshake as broken SIP and closes the connection.",
            evidence=[quote_place(fact.place, "TLS", f"client_hello {fact.version}", fact.time)],
            confidence="strong",
            key=str(fact.dst),
            transport="tls",
        )
