"""DNS fails for the host that calls go to.

Proof: NXDOMAIN, SERVFAIL or no answer for A, AAAA or SRV of a host that the SIP messages name; or a refusal whose text
says that a name could not be resolved.
Traps: NXDOMAIN for NAPTR or SRV with an A record afterwards is normal.
Fix: the resolver, or the name.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import cut, quote, quote_place
from trunkline.analyzer.rules.reason_text import names_dns, reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="ROUTE-04",
    title="DNS failure",
    severity="critical",
    reference="RFC 3263 section 4, RFC 1035 section 4.1.1",
    fix="Check the host's name and the resolver of the PBX.",
)
RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}
SLOW = 4.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per name."""
    yield from _by_reason(trace)
    named = _hosts(trace)
    good = {fact.name.rstrip(".").lower() for fact in trace.capture.dns if fact.rcode == 0 and fact.answers}
    seen: set[str] = set()
    for fact in trace.capture.dns:
        name = fact.name.rstrip(".").lower()
        host = name.partition(".")[2].partition(".")[2] if name.startswith("_sip") else name
        if fact.rcode == 0 or host in seen or name in good or host in good:
            continue
        if not (name.startswith(("_sip.", "_sips.")) or host in named) or fact.type not in ("A", "AAAA", "SRV"):
            continue
        if any(
            other.name.rstrip(".").lower().endswith(host) and other.rcode == 0 and other.answers
            for other in trace.capture.dns
        ):
            continue
        if any(host.startswith(f"{known}.") for known in named | good):
            continue  # the resolver has put its search domain behind a name that is known
        if _sent_to(trace, host, fact.time):
            continue
        if fact.rcode is None and not waited(trace, fact.time, SLOW):
            continue
        seen.add(host)
        result = (
            "got no answer" if fact.rcode is None else f"was answered {RCODES.get(fact.rcode, f'rcode {fact.rcode}')}"
        )
        yield RULE.finding(
            f"The question for {cut(host, 80)} ({fact.type}) to {fact.server} {result}, and no other one for it "
            "succeeded.",
            "Without an address the PBX cannot send the call at all.",
            evidence=[quote_place(fact.place, "DNS", f"{fact.name} {fact.type}: {result}", fact.time)],
            severity="critical" if host in named else "warn",
            confidence="strong" if host in named else "hint",
            key=host,
            provider_host=host,
        )


def _sent_to(trace: Trace, host: str, since: float) -> bool:
    """Whether a request for this host was sent afterwards: then the name was known all the same."""
    return any(
        message.is_request
        and message.time is not None
        and message.time >= since
        and split_uri(message.ruri)[1].lower() == host
        for message in trace.messages
    )


def _by_reason(trace: Trace) -> Iterator[Finding]:
    for exchange in facts_of(trace).finals(478, 480, 500, 503):
        final = exchange.final
        if final is None or not names_dns(final):
            continue
        host = split_uri(exchange.request.ruri)[1] if exchange.request is not None else ""
        yield RULE.finding(
            f"{reason_text(final)}: the server could not resolve a name"
            + (f" (the call was for {cut(host, 80)})." if host else "."),
            "Without an address the server cannot pass the call on.",
            calls=[exchange.id],
            evidence=[quote(final), quote(exchange.request)],
            confidence="strong",
            key=f"reason:{host}",
            values=values_of(exchange.hop, exchange.request, final),
        )


def _hosts(trace: Trace) -> set[str]:
    hosts = {split_uri(message.ruri)[1].lower() for message in trace.messages if message.is_request}
    hosts.update(message.to.host.lower() for message in trace.messages if message.is_request and message.to is not None)
    return hosts - {""}
