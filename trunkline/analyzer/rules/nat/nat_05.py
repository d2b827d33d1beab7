"""No usable Contact.

Proof: an INVITE that begins a call, or a 2xx to an INVITE, without Contact, or with port 0.
Traps: REGISTER without Contact asks for the bindings. A cut message may have lost its Contact.
Fix: the user agent.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import facts_of
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.scanners import is_scanner
from trunkline.analyzer.rules.uris import contact_of
from trunkline.analyzer.rules.values import values_of

RULE = Rule(
    id="NAT-05",
    title="Missing or unusable Contact",
    severity="critical",
    reference="RFC 3261 sections 8.1.1.8, 12.1.1 and 13.3.1.4",
    fix="Update or fix the program that sends this message: a Contact is mandatory.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per sender and kind."""
    for exchange in facts_of(trace).by_method.get("INVITE", ()):
        answered = exchange.final is not None and exchange.final.status < 300
        for message in (exchange.request, exchange.final if answered else None):
            if message is None or message.raw.truncated:
                continue
            contact = contact_of(message)
            missing = not message.has("Contact")
            if not missing and (contact is None or contact.port != 0):
                continue
            if is_scanner(message):
                continue
            who = message.value("User-Agent") or message.value("Server") or str(message.src or "the sender")
            yield RULE.finding(
                f"{'The 200 to the INVITE' if message.status else 'The INVITE'} of {cut(who, 60)} has "
                + ("no Contact." if missing else f"the contact {cut(contact.uri if contact else '', 80)} with port 0."),
                "ACK, BYE and re-INVITE go to the Contact: without one the call cannot be ended properly.",
                calls=[exchange.id],
                evidence=[quote(message, "" if missing else "Contact")],
                severity="critical" if answered else "warn",
                key=f"{who}:{bool(message.status)}:{missing}",
                user_agent=cut(who, 60),
                values=values_of(exchange.hop, exchange.request),
            )
