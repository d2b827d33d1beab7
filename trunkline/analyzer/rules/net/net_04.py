"""The TLS handshake fails.

Proof: a fatal alert on a connection for SIP.
Traps: close_notify is normal. Scanners cause many aborted handshakes: where the same two hosts also get through, it is
a warning.
Fix: TLS 1.2 or newer, the full chain, the right name, the trust store.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.quote import quote_place
from trunkline.analyzer.rules.rule import Rule
from trunkline.analyzer.rules.tls_ports import is_sip

RULE = Rule(
    id="NET-04",
    title="TLS handshake fails",
    severity="critical",
    reference="RFC 8446 section 6.2, RFC 3261 section 26.3.1",
    fix="Allow TLS 1.2 or newer, send the whole certificate chain, and trust the authority of the other side.",
)
WHY = {
    "protocol_version": "The two sides share no version of TLS; old ones are refused nowadays.",
    "handshake_failure": "The two sides share no cipher or other parameter.",
    "unknown_ca": "The side that sent the alert does not trust the authority that signed the certificate.",
    "bad_certificate": "The certificate cannot be verified.",
    "certificate_expired": "The certificate is out of date.",
    "certificate_unknown": "The certificate was not accepted.",
    "certificate_required": "The server wants a certificate of the client and got none.",
    "unrecognized_name": "The server has no certificate for the name that was asked for.",
}


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server and alert."""
    facts = trace.capture.tls
    good = {frozenset((fact.src.ip, fact.dst.ip)) for fact in facts if fact.kind == "application_data"}
    for fact in facts:
        if fact.kind != "alert" or not fact.fatal or fact.alert in ("close_notify", "user_canceled"):
            continue
        if not is_sip(trace, fact):
            continue
        through = frozenset((fact.src.ip, fact.dst.ip)) in good
        hello = next(
            (
                other
                for other in facts
                if other.kind == "client_hello" and {other.src, other.dst} == {fact.src, fact.dst}
            ),
            None,
        )
        offered = f" The client offered up to {hello.version}." if hello is not None and hello.version else ""
        yield RULE.finding(
            f"{fact.src} ended the TLS handshake with {fact.dst}: {fact.alert}.{offered}",
            WHY.get(fact.alert, "The side that sent the alert gave up the connection, so no SIP passes."),
            evidence=[
                quote_place(fact.place, "TLS", f"alert {fact.alert}", fact.time),
                quote_place(hello.place, "TLS", f"client_hello {hello.version} {hello.server_name}", hello.time)
                if hello
                else None,
            ],
            severity="warn" if through else "critical",
            key=f"{fact.src.ip}:{fact.dst.ip}:{fact.alert}",
            transport="tls",
        )
