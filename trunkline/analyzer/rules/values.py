"""Values of the trace for the fix templates of `trunkline.pbx`: the customer's addresses, numbers and names."""

from __future__ import annotations

from functools import lru_cache

from trunkline.analyzer.addresses import is_private, is_public
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.rules.corrections import correction
from trunkline.analyzer.rules.facts import Hop


def values_of(hop: Hop, request: Message | None, response: Message | None = None) -> dict[str, str | int | None]:
    """What is known of `provider_host`, `provider_ip`, `provider_port`, `public_ip`, `private_ip`, `local_net`,
    `sip_port`, `did`, `called` and `caller`. Where a hop does not face the provider, the caller's side counts as
    the customer's.
    """
    values: dict[str, str | int | None] = {}
    dialog = hop.dialog
    ours, theirs = (
        (dialog.caller, dialog.callee) if dialog.provider_side != "caller" else (dialog.callee, dialog.caller)
    )
    if theirs is not None:
        values["provider_ip"] = theirs.ip
        values["provider_port"] = theirs.port
    if ours is not None and is_private(ours.ip):
        values["private_ip"] = ours.ip
        values["local_net"] = local_network(ours.ip)
        values["sip_port"] = ours.port
    elif ours is not None and dialog.facing == "provider":
        values["public_ip"] = ours.ip
    if request is not None:
        _from_request(values, hop, request)
    seen = received_address(response)
    if seen and hop.termination:
        values["public_ip"] = seen
    return values


def _from_request(values: dict[str, str | int | None], hop: Hop, request: Message) -> None:
    user, host = split_uri(request.ruri)
    if hop.origination:
        values["did"] = user
    elif host and request.to_tag == "":
        values["provider_host"] = host
        values["called"] = user
        values.update(correction(user))
        values["caller"] = request.from_.user if request.from_ is not None else None


def received_address(response: Message | None) -> str:
    """Where the other side saw the request come from: `received` of the last Via, where it is public."""
    if response is None or response.is_request or not response.vias:
        return ""
    seen = response.vias[0].params.get("received") or ""
    return seen if is_public(seen) else ""


def local_network(ip: str) -> str:
    """The private network that an address most likely lives in: its /24, or fd00::/8 style /64."""
    if ":" in ip:
        return "fc00::/7"
    return ip.rpartition(".")[0] + ".0/24"


@lru_cache(maxsize=8192)
def split_uri(uri: str) -> tuple[str, str]:
    """User (without parameters and password) and host of a SIP URI; both may be empty. No regular expression: the
    text is hostile.
    """
    rest = uri.partition(":")[2] if uri[:5].lower() in ("sip:+", "sips:") or ":" in uri[:5] else uri
    user, at, host = rest.rpartition("@")
    if not at:
        user, host = "", rest
    host = host.partition(";")[0].partition("?")[0].partition(">")[0]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return user.partition(";")[0].partition(":")[0], host
