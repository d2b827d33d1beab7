"""REGISTER sent to a trunk that takes none.

Proof: the profile says that the provider takes no registrations on a trunk; a REGISTER goes to a host of its trunks and
no 200 comes.
Traps: other services of the same provider do take registrations: only the trunk domains of the profile count.
Fix: registration off; OPTIONS to watch the path.

Not in the first list of rules: failure mode 9 of the provider's part (twilio.md 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of, waited
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.reason_text import reason_text
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="AUTH-14",
    title="REGISTER sent to a trunk that takes no registration",
    severity="critical",
    reference="provider's trunk documentation (code 32210)",
    fix="Turn registration off for this trunk: the provider knows you by address or by digest on each call.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per trunk host."""
    if trace.profile.authentication.register != "no":
        return
    for exchange in facts_of(trace).by_method.get("REGISTER", ()):
        request, final = exchange.request, exchange.final
        if request is None or (final is not None and final.status < 300):
            continue
        host = split_uri(request.ruri)[1].lower()
        if not trace.profile.signalling.request_hosts or not trace.profile.has_request_host(host):
            continue
        if final is None and not waited(trace, request.time, 2.0):
            continue
        yield RULE.finding(
            f"REGISTER was sent to {cut(host, 80)} and "
            + (f"refused with {reason_text(final)}." if final else "not answered."),
            "Trunks of this provider have no registrar: calls come to the origination URL, and calls to the "
            "provider are "
            "known by address or digest. A PBX that waits for the registration refuses to use the trunk.",
            calls=[exchange.id],
            evidence=[quote(request), quote(final)],
            key=host,
            values=values_of(exchange.hop, request, final),
        )
