"""The route set is ignored.

Proof: the 2xx carries Record-Route, and a later request of the caller has no Route at all.
Traps: a strict router puts the route into the Request-URI. A request that goes to the first hop of the route with the
Contact in the Request-URI would still need Route. It is a warning: where the request is answered, it works by luck.
Fix: loose routing.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import answer_of
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.uris import record_routes
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="DLG-03",
    title="Route set ignored",
    severity="warn",
    reference="RFC 3261 sections 12.1.2 and 12.2.1.1",
    fix="Copy Record-Route of the 2xx, in reverse order, into Route of all later requests.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender."""
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        if answer is None:
            continue
        routes = record_routes(answer.ok)
        if not routes:
            continue
        mine = [
            m
            for m in hop.messages
            if m.is_request and m.to_tag and m.index > answer.ok.index and hop.sender(m) == "caller"
        ]
        bare = [m for m in mine if not m.has("Route") and not m.raw.truncated and m.to_tag == answer.ok.to_tag]
        first = next(iter(bare), None)
        if first is None or len(first.vias) > 1:
            continue  # one that a proxy passed on: its Route has been used up
        # Behind the proxy that recorded itself its Route has been taken off: nothing is missing on that hop.
        if first.src is not None and any(same_host(route.host, first.src.ip) for route in routes):
            continue
        if any(same_host(route.host, split_uri(first.ruri)[1]) for route in routes):
            continue
        ignored = first.method == "ACK" and any(ok.index > first.index for ok in answer.oks[1:])
        unanswered = any(e.request in bare and e.method != "ACK" and not e.transaction.responses for e in hop.exchanges)
        hurt = ignored or unanswered
        yield RULE.finding(
            f"{first.method} from {first.src or 'the caller'} has no Route, though the 200 has Record-Route "
            f"{cut(routes[-1].uri, 80)}.",
            "Record-Route says that later requests have to go through these proxies. One that goes past them is "
            "often lost.",
            calls=[hop.id],
            evidence=[quote(first), quote(answer.ok, "Record-Route")],
            severity="critical" if hurt else "warn",
            confidence="strong",
            key=f"{first.src.ip if first.src else ''}:{hurt}",
            values=values_of(hop, answer.invite, answer.ok),
        )
