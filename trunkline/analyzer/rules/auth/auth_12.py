"""The public address changed while the provider knows the PBX by its address.

Proof: of one PBX (same sent-by), the provider saw accepted calls come from one public address and refused ones from
another; neither had credentials.
Traps: two WAN links or a pool of a carrier NAT: it is the same fault for the access list.
Fix: a fixed address, or credentials.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import Exchange, facts_of
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import received_address, values_of

RULE = Rule(
    id="AUTH-12",
    title="The public address changed while it serves as identification",
    severity="warn",
    reference="RFC 3261 section 18.2.1, RFC 3581",
    fix="Pin the trunk to one WAN link with a fixed address, or use credentials instead of the access list.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per PBX and pair of addresses."""
    facts = facts_of(trace)
    accepted: dict[str, tuple[str, Exchange]] = {}
    for exchange in facts.by_method.get("INVITE", ()):
        if exchange.final is not None and exchange.final.status < 300 and _plain(exchange):
            accepted[_pbx(exchange)] = (received_address(exchange.final), exchange)
    for exchange in facts.finals(403):
        if exchange.final is None or not _plain(exchange) or exchange.method != "INVITE":
            continue
        seen, before = accepted.get(_pbx(exchange), ("", exchange))
        now = received_address(exchange.final)
        if not seen or not now or seen == now:
            continue
        yield RULE.finding(
            f"Calls that the provider saw come from {seen} were accepted; from {now} they were refused.",
            "The provider knows the PBX by its address, and that is another one now.",
            calls=[exchange.id],
            evidence=[quote(exchange.final, "Via"), quote(before.final, "Via")],
            confidence="strong",
            key=f"{seen}>{now}",
            values=values_of(exchange.hop, exchange.request, exchange.final),
        )


def _plain(exchange: Exchange) -> bool:
    return exchange.initial and not exchange.credentials and exchange.hop.termination


def _pbx(exchange: Exchange) -> str:
    request = exchange.request
    via = request.vias[-1] if request is not None and request.vias else None
    return f"{via.host}:{via.port}" if via is not None else ""
