"""Which TLS connections are for SIP: others are no business of ours."""

from __future__ import annotations

from trunkline.analyzer.model.capture import Endpoint, TlsFact
from trunkline.analyzer.model.trace import Trace

PORTS = (5061, 5081)
OF_OTHERS = (*range(1024), 3389, 5432, 5671, 6443, 8443, 8883, 9443)
"""Web, mail, directories, desktops, data bases, queues."""


def is_sip(trace: Trace, fact: TlsFact) -> bool:
    """By port, by ALPN, because SIP was read on the same endpoint, or because the capture holds no SIP at all: somebody
    who asks about his trunk has caught its handshake, unless the port is known for something else.
    """
    if fact.src.port in PORTS or fact.dst.port in PORTS:
        return True
    if any(name.lower().startswith("sip") for name in fact.alpn):
        return True
    if not trace.messages and not any(point.port in OF_OTHERS for point in (fact.src, fact.dst)):
        return True
    server: Endpoint = fact.dst if fact.dst.port < fact.src.port else fact.src
    return server.port != 443 and any(
        message.raw.transport == "tls" and server in (message.src, message.dst) for message in trace.messages
    )
