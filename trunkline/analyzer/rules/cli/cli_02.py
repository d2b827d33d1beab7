"""Privacy is asked for and no identity is asserted.

Proof: a call to the trunk has Privacy: id or an anonymous From, and neither P-Asserted-Identity nor
P-Preferred-Identity.
Traps: a provider may know the trunk by other means and add the identity: a call that was taken is a hint.
Fix: P-Asserted-Identity with a number of the trunk.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.numbers import asserted_numbers
from trunkline.analyzer.rules.quote import quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="CLI-02",
    title="Privacy without an asserted identity",
    severity="warn",
    reference="RFC 3325 sections 7 and 9.3, RFC 3323 section 4.2",
    fix="Send P-Asserted-Identity with a number of the trunk beside Privacy: id.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """At most one finding per form."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        request, final = exchange.request, exchange.final
        if request is None or not exchange.initial or not exchange.hop.termination or request.from_ is None:
            continue
        wanted = [item.strip().lower() for item in request.value("Privacy").replace(",", ";").split(";")]
        anonymous = request.from_.user.lower() == "anonymous" or request.from_.host.lower() == "anonymous.invalid"
        if not anonymous and "id" not in wanted:
            continue
        if asserted_numbers(request) or (final is not None and final.status in (401, 407)):
            continue
        fine = final is not None and final.status < 300
        yield RULE.finding(
            "The call hides its caller ID and tells the provider no number either.",
            "The provider has to know who calls, for billing and emergencies; it learns it from P-Asserted-Identity.",
            calls=[exchange.id],
            evidence=[quote(request, "From"), quote(request, "Privacy") if wanted != [""] else None],
            severity="info" if fine else "warn",
            confidence="hint",
            key=f"anonymous:{anonymous}:{fine}",
            values=values_of(exchange.hop, request, final),
        )
