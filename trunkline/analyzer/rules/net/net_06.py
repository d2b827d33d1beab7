"""The certificate is expired, self-signed, or for another name.

Proof: the certificate in a handshake up to TLS 1.2: its end is before the frame's time, or its names do not hold the
one that the client asked for; issuer and subject are the same.
Traps: TLS 1.3 hides it. A self-signed certificate may be trusted on purpose: a warning, unless an alert follows. So may
any other fault: where the client goes on and sends data, it does not verify.
Fix: renew, with the chain, for the right name.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.certificates import Certificate, read_certificate
from trunkline.analyzer.rules.quote import cut, quote_place
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.tls_ports import is_sip

RULE = Rule(
    id="NET-06",
    title="Certificate expired, self-signed or for another name",
    severity="critical",
    reference="RFC 5280 section 4.1.2.5, RFC 6125, RFC 5922 section 7.2",
    fix="Renew the certificate for the name that clients use, and send it with its chain.",
)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server and fault."""
    alerts = {frozenset((fact.src, fact.dst)) for fact in trace.capture.tls if fact.kind == "alert" and fact.fatal}
    went_on = {(fact.src, fact.dst) for fact in trace.capture.tls if fact.kind == "application_data"}
    names = {
        frozenset((fact.src, fact.dst)): fact.server_name for fact in trace.capture.tls if fact.kind == "client_hello"
    }
    for fact in trace.capture.tls:
        if fact.kind != "certificate" or not fact.certificates or not is_sip(trace, fact):
            continue
        leaf = read_certificate(fact.certificates[0])
        if leaf is None:
            continue
        pair = frozenset((fact.src, fact.dst))
        for kind, what, sure in _faults(leaf, fact.time, names.get(pair, "")):
            failed = pair in alerts
            taken = not failed and (fact.dst, fact.src) in went_on
            yield RULE.finding(
                f"The certificate of {fact.src}, for {cut(leaf.subject, 80)}, {what}.",
                "This client does not verify it, and goes on; one that does ends the handshake here."
                if taken
                else "A client that verifies certificates ends the handshake here.",
                evidence=[quote_place(fact.place, "TLS certificate", leaf.subject, fact.time)],
                severity="critical" if failed or (sure and not taken) else "warn",
                confidence="proven" if sure else "strong",
                key=f"{fact.src.ip}:{kind}",
            )


def _faults(leaf: Certificate, time: float, wanted: str) -> Iterator[tuple[str, str, bool]]:
    if time > 1e9 and time > leaf.not_after:
        yield "expired", f"ended {max(1, round((time - leaf.not_after) / 86400))} days before", True
    if time > 1e9 and time < leaf.not_before:
        yield "early", "is not valid yet", True
    if wanted and leaf.names and not leaf.covers(wanted):
        yield "name", f"is not for {cut(wanted, 80)}", True
    if leaf.self_signed:
        yield "self-signed", "is signed by itself", False
