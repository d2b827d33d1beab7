"""The signalling is encrypted.

Proof: a TLS handshake on a SIP port (5061), or one that offers SIP by ALPN, and no plain SIP with that peer.
Traps: TLS to a web or provisioning server is no SIP.
Fix: the text log of the PBX, or a mirror by HEP.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.quote import cut, quote_place
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="CAP-05",
    title="Signalling is encrypted; calls cannot be read",
    severity="warn",
    reference="RFC 3261 section 26.2.1",
    fix="Give the SIP log of the PBX, or let it mirror its messages by HEP.",
)
SIP_TLS_PORTS = (5061, 5081)


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per server."""
    read = {point for message in trace.messages for point in (message.src, message.dst)}
    seen: set[Endpoint] = set()
    for fact in trace.capture.tls:
        server = fact.dst if fact.kind == "client_hello" else fact.src
        if fact.kind not in ("client_hello", "server_hello", "application_data"):
            continue
        ends = [point for point in (fact.src, fact.dst) if point.port in SIP_TLS_PORTS]
        if not ends and not any(name.lower().startswith("sip") for name in fact.alpn):
            continue
        server = ends[0] if ends else server
        if server in seen or server in read:
            continue
        seen.add(server)
        yield RULE.finding(
            f"SIP with {server} goes inside TLS" + (f" (to {cut(fact.server_name, 80)})." if fact.server_name else "."),
            "Without the keys nobody can read the calls; only the handshake can be judged.",
            evidence=[
                quote_place(fact.place, "TLS", f"{fact.kind} {fact.version} {fact.server_name}".strip(), fact.time)
            ],
            confidence="proven" if fact.alpn else "strong",
            key=str(server),
        )
