"""The PBX challenges its provider.

Proof: an INVITE from the provider is answered 401 or 407 by the PBX, and no INVITE with credentials follows.
Traps: a capture that ends at once. Providers have no password of the customer's PBX.
Fix: identify the provider by its networks, and demand no password from it.

Not in the first list of rules: failure mode 16 of the provider's part (twilio.md 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="AUTH-13",
    title="The PBX asks its provider for a password",
    severity="critical",
    reference="RFC 3261 section 22.1",
    fix="Identify the provider's calls by its networks and do not challenge them.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per address of the provider."""
    for exchange in facts_of(trace).finals(401, 407):
        request, final = exchange.request, exchange.final
        if request is None or final is None or exchange.method != "INVITE" or not exchange.hop.origination:
            continue
        if request.to_tag or exchange.hop.credentials:
            continue
        if final.time is not None and not waited(trace, final.time, 2.0):
            continue
        source = request.src.ip if request.src is not None else "the provider"
        yield RULE.finding(
            f"The call from {source} to {split_uri(request.ruri)[0] or 'the PBX'} was answered {final.status} by "
            "the PBX: it asks "
            "the provider for a password.",
            "The provider has no password of your PBX, so the call ends here. The PBX did not recognise the "
            "address as its "
            "trunk and treated the call as that of an unknown phone.",
            calls=[exchange.id],
            evidence=[
                quote(final, "Proxy-Authenticate" if final.status == 407 else "WWW-Authenticate"),
                quote(request),
            ],
            key=source,
            values=values_of(exchange.hop, request, final),
        )
