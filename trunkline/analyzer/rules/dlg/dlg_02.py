"""The ACK is sent, but to the wrong place.

Proof: the 200 goes on after an ACK, and the ACK's Request-URI is not the Contact of the 200, its To tag is another one,
or it went to another address than the route says.
Traps: an ACK that is lost on the way looks the same at its sender: the contradiction is needed. A proxy that keeps the
dialog's path may hide Contacts.
Fix: loose routing; no rewriting of the provider's Contact.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.addresses import is_private, same_host
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.dialogs import Answer, answer_of
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.uris import contact_of, record_routes
from trunkline.analyzer.rules.values import split_uri, values_of

RULE = Rule(
    id="DLG-02",
    title="ACK sent to the wrong place",
    severity="critical",
    reference="RFC 3261 sections 12.2.1.1 and 13.2.2.4",
    fix="Send later requests to the Contact of the 200 by its Record-Route, and rewrite neither.",
    needs=("both_directions",),
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per kind of contradiction."""
    for hop in facts_of(trace).calls():
        answer = answer_of(hop)
        if answer is None or len(answer.oks) < 2:
            continue
        acks = answer.acks
        later = [ok for ok in answer.oks if ok.index > acks[0].index] if acks else []
        if len(later) < 2:
            continue
        ack = acks[0]
        wrong = _contradiction(answer, ack)
        if not wrong:
            continue
        yield RULE.finding(
            f"An ACK was sent, and the 200 went on {len(later)} times: {wrong}.",
            "An ACK that does not reach the callee counts as none: it gives the call up after 32 s.",
            calls=[hop.id],
            evidence=[quote(ack), quote(answer.ok, "Contact"), quote(answer.ok, "Record-Route"), quote(later[-1])],
            key=wrong.partition(",")[0][:60],
            values=values_of(hop, answer.invite, answer.ok),
        )


def _contradiction(answer: Answer, ack: Message) -> str:
    contact = contact_of(answer.ok)
    if ack.to_tag != answer.ok.to_tag:
        return "its To tag is not that of the 200"
    routes = record_routes(answer.ok)
    user, host = split_uri(ack.ruri)
    if contact is not None and not routes and (not same_host(host, contact.host) or user != contact.user):
        return f"its Request-URI is {cut(ack.ruri, 80)}, and the Contact of the 200 is {cut(contact.uri, 80)}"
    if routes and not ack.has("Route") and contact is not None and same_host(host, contact.host):
        return "it has no Route, though the 200 has Record-Route"
    if contact is not None and is_private(host) and ack.dst is not None and same_host(ack.dst.ip, host) and not routes:
        return f"it went to {ack.dst}, a private address"
    return ""
