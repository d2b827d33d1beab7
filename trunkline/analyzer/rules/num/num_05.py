"""The host of the Request-URI is not the domain of the trunk.

Proof: the profile names the hosts that a Request-URI to the provider must have; this one has another, often an address.
Traps: in calls from the provider the Request-URI rightly holds the address of the PBX. A call that was taken proves
that the provider does not mind: information then.
Fix: the domain of the trunk in the Request-URI; an address only as the next hop.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="NUM-05",
    title="Request-URI host is not the trunk domain",
    severity="warn",
    reference="RFC 3261 section 8.1.1.1; the provider's document",
    fix="Put the trunk's domain into the Request-URI; name an address only as the next hop (outbound proxy).",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per host."""
    profile = trace.profile
    if not profile.signalling.request_hosts:
        return
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or not exchange.initial or not exchange.hop.termination:
            continue
        host = split_uri(request.ruri)[1]
        if not host or profile.has_request_host(host) or (final is not None and final.status < 300):
            continue
        if exchange.rang:
            continue
        refused = final is not None and final.status in (403, 404, 488, 604)
        yield RULE.finding(
            f"The Request-URI names the host {cut(host, 80)}; {profile.title} knows a trunk by "
            f"{', '.join(profile.signalling.request_hosts[:3])}."
            + (f" It answered {final.status}." if final is not None else ""),
            "The provider finds the trunk by the host in the Request-URI. A resolved address or another domain "
            "names none.",
            calls=[exchange.id],
            evidence=[quote(request), quote(final)],
            severity="critical" if refused else "warn",
            confidence="proven" if refused else "strong",
            key=host,
            values=values_of(exchange.hop, request, final) | {"provider_host": ""},
        )
