"""Records of the domain name system as a node sees them, written by RPC into Kamailio's own cache: no name server is
asked.
"""

from __future__ import annotations

import secrets

from live_node import LiveNode

from trunkline.engines.kamailio.config import edge_socket
from trunkline.engines.kamailio.rpc import KamailioRpc

SECONDS = 300
NO_SUCH_RECORD = 1
"""Kamailio's flag of an entry that remembers a failed look-up."""


class DnsRecords:
    """`dns("a", name, address)`, `dns("srv", name, priority, weight, port, target)`: a record from now on.

    Address None: it is known that there is no such record.
    """

    def __init__(self, node: LiveNode) -> None:
        self._rpc = KamailioRpc(edge_socket(node.settings))

    def __call__(self, kind: str, name: str, *data: object) -> None:
        if data == (None,):
            self._rpc.call(f"dns.add_{kind}", [name, SECONDS, "127.0.0.1" if kind == "a" else "::1", NO_SUCH_RECORD])
        else:
            self._rpc.call(f"dns.add_{kind}", [name, SECONDS, *data, 0])

    def domain(self, transport: str, *ports: int, host: str = "127.0.0.1") -> str:
        """A new name with a service record for each of these ports, in this order, and a host of its own for each."""
        name = name_of("srv")
        service = ("_sips._tcp" if transport == "tls" else f"_sip._{transport}") + f".{name}"
        for n, port in enumerate(ports):
            self("a", f"h{n}.{name}", host)
            self("srv", service, 10 * n, 10, port, f"h{n}.{name}")
        return name


def name_of(label: str) -> str:
    return f"{label}-{secrets.token_hex(4)}.pbx.test"
