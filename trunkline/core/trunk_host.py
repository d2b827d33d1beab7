"""What the host of a Request-URI says about the trunk (rulings, "Which trunk?"; twilio.md 1.3, "Localized URI").

For the suffix `pstn.twilio.com`:

    acme.pstn.twilio.com           the trunk with the label acme
    acme.ashburn.pstn.twilio.com   the same, with an edge label in between
    acme.pstn.ashburn.twilio.com   the same, as the vendor writes it: the edge label inside the suffix
    pstn.twilio.com                the global endpoint, also pstn.ashburn.twilio.com and any of the edge's own addresses
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from trunkline.core.policy import Policy


class HostKind(Enum):
    LABEL = "label"
    GLOBAL = "global"
    FOREIGN = "foreign"


class TrunkHost(NamedTuple):
    kind: HostKind
    label: str = ""
    """Set for LABEL: the first label of the host."""


_GLOBAL = TrunkHost(HostKind.GLOBAL)
_FOREIGN = TrunkHost(HostKind.FOREIGN)


def read_trunk_host(host: str, policy: Policy) -> TrunkHost:
    """What `host` (lower case, as `sip_uri.parse` leaves it; empty for tel URIs) names. Which labels exist is not
    asked here.
    """
    return _read(host, policy.own_hosts, policy.domain_suffixes)


@lru_cache(maxsize=4096)
def _read(host: str, own_hosts: frozenset[str], suffixes: tuple[str, ...]) -> TrunkHost:
    if not host or host in own_hosts:
        return _GLOBAL
    for suffix in suffixes:
        if host == suffix:
            return _GLOBAL
        if host.endswith("." + suffix):
            return _labelled(host[: -len(suffix) - 1], 2)
    for suffix in suffixes:
        first, dot, rest = suffix.partition(".")
        if not dot or not host.endswith("." + rest):
            continue
        labels = host[: -len(rest) - 1].split(".")
        if len(labels) == 2 and labels[0] == first:
            return _GLOBAL
        if len(labels) == 3 and labels[1] == first:
            return _labelled(labels[0], 1)
    return _FOREIGN


def _labelled(before: str, most: int) -> TrunkHost:
    labels = before.split(".")
    if len(labels) > most or not labels[0]:
        return _FOREIGN
    return TrunkHost(HostKind.LABEL, labels[0])


def valid_hosts(labels: list[str], policy: Policy) -> str:
    """The hosts of the trunks with these labels, for the text of an alert."""
    return (
        ", ".join(f"{label}.{policy.domain_suffixes[0]}" for label in labels)
        or f"<trunk label>.{policy.domain_suffixes[0]}"
    )
