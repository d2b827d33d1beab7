"""Which TLS connections are for SIP: others are no business of ours."""

from __future__ import annotations

from trunkline.analyzer.model.capture import Endpoint, TlsFact
from trunkline.analyzer.model.trace import Trace

PORTS = (5061, 5081)


def is_sip(trace: Trace, fact: TlsFact) -> bool:
    """By port, by ALPN, or because SIP was read on the same endpoint."""
    if fact.src.port in PORTS or fact.dst.port in PORTS:
        return True
    if any(name.lower().startswith("sip") for name in fact.alpn):
        return True
    server: Endpoint = fact.dst if fact.dst.port < fact.src.port else fact.src
    return server.port != 443 and any(
        message.raw.transport == "tls" and server in (message.src, message.dst) for message in trace.messages
    )
