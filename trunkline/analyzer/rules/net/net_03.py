"""SIP over UDP that is too large, or IP fragments.

Proof: a request of more than 1300 bytes over UDP, or one in IP fragments. Critical where only the first fragment
arrived, or where large requests are never answered while small ones are.
Traps: put together and answered, it is information.
Fix: fewer codecs and lines, or TCP or TLS.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import quote, quote_place
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NET-03",
    title="SIP over UDP is too large",
    severity="warn",
    reference="RFC 3261 section 18.1.1",
    fix="Use TCP or TLS for the trunk, or make the request smaller: fewer codecs, no video, no ICE.",
)
USUAL = 1300


def check(trace: Trace) -> Iterator[Finding]:
    """One finding for lost fragments, one per destination and result."""
    limit = trace.profile.signalling.max_udp_bytes or USUAL
    for place in trace.capture.lost_fragments[:50]:
        yield RULE.finding(
            "Only the first IP fragment of a SIP datagram is there; the others never came.",
            "A firewall or router on the way drops fragments, so large SIP messages are lost while small ones pass.",
            evidence=[quote_place(place, "IP", "first fragment, more fragments set")],
            severity="critical",
            confidence="strong",
            key="lost fragments",
        )
    facts = facts_of(trace)
    answered = {e.request.dst for e in facts.exchanges if e.request is not None and e.transaction.responses}
    for exchange in facts.exchanges:
        request = exchange.request
        size = request.raw.wire_length if request is not None else None
        if request is None or size is None or request.raw.transport != "udp" or exchange.method == "ACK":
            continue
        fragmented = request.raw.ip_fragments > 1
        if size <= limit and not fragmented:
            continue
        sends = len(exchange.transaction.requests)
        lost = not exchange.transaction.responses and sends >= 3 and request.dst in answered and not trace.one_sided
        yield RULE.finding(
            f"{exchange.method} to {request.dst} has {size} bytes over UDP"
            + (f", in {request.raw.ip_fragments} IP fragments" if fragmented else "")
            + (f"; it was sent {sends} times and never answered, while smaller requests are." if lost else "."),
            "Above 1300 bytes a request should go by TCP: fragments are dropped by many firewalls, and some "
            "servers cut "
            "large datagrams.",
            calls=[exchange.id],
            evidence=[quote(request)],
            severity="critical" if lost else "info",
            confidence="strong" if lost else "proven",
            key=f"{request.dst}:{lost}",
            transport="tcp",
            values=values_of(exchange.hop, request),
        )
