"""Where a customer's own words (an origination URL, a redirect) must not send a call: to those who trust our address.

A carrier takes a call from our address without a question, and so do we where a trunk's access list names our own
machine. A customer whose URL or redirect leads there would call the PSTN past every check, at somebody else's expense.
Here what stands there is judged; the addresses of a name are judged by the same function once they are known (the
edge's `hunt`).
"""

from __future__ import annotations

from trunkline.core import sip_uri
from trunkline.core.networks import plain_address
from trunkline.core.policy import Policy
from trunkline.core.routing_data import RoutingData
from trunkline.core.termination import TargetAddress, target_address
from trunkline.core.trunk_host import HostKind, read_trunk_host

_USUAL_PORT = {"tls": 5061}


def is_barred(ruri: str, transport: str, routing: RoutingData, policy: Policy) -> bool:
    """Whether this Request-URI of an origination call leads to a carrier or back to us, or cannot be read."""
    try:
        uri = sip_uri.parse(ruri)
    except sip_uri.SipUriError:
        return True
    port = uri.port or _USUAL_PORT.get(transport, 5060)
    # RFC 3261 section 19.1.1: with maddr the request goes there, and not to the host.
    hosts = {uri.host, (uri.param("maddr") or uri.host).lower().strip("[]")}
    return any(_leads_home(_plain(host), port, routing, policy) for host in hosts)


def _plain(host: str) -> str:
    """An IPv4 address that hides in an IPv6 one as itself."""
    if ":" not in host:
        return host
    try:
        return str(plain_address(host))
    except ValueError:
        return host


def _leads_home(host: str, port: int, routing: RoutingData, policy: Policy) -> bool:
    if host in policy.own_hosts or host in ("localhost", "::1") or host.startswith("127."):
        # This machine: its other ports may be a PBX, or a carrier of a test.
        if port in policy.own_ports:
            return True
    elif _is_ours_by_name(host, routing, policy) or routing.carrier_by_source(host) is not None:
        return True
    return (host, port) in _places.of(routing)


def _is_ours_by_name(host: str, routing: RoutingData, policy: Policy) -> bool:
    kind, label = read_trunk_host(host, policy)
    return kind is HostKind.GLOBAL or (kind is HostKind.LABEL and routing.trunk_by_label(label) is not None)


class _Places:
    """Host and port of every carrier target, made anew when the rows are others."""

    def __init__(self) -> None:
        self._rows: object = None
        self._found: frozenset[tuple[str, int]] = frozenset()

    def of(self, routing: RoutingData) -> frozenset[tuple[str, int]]:
        rows = routing.carriers_with_targets()
        if rows is not self._rows:
            addresses = [target_address(target.sip_uri) for _, targets in rows for target in targets]
            self._found = frozenset(map(_place, filter(None, addresses)))
            self._rows = rows
        return self._found


def _place(address: TargetAddress) -> tuple[str, int]:
    uri = sip_uri.parse(f"sip:{address.host_port}")
    return uri.host, uri.port or _USUAL_PORT.get(address.transport, 5060)


_places = _Places()
