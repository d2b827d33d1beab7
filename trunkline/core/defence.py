"""Whom the edge stops listening to: what counts as an offence, how many of them are too many, and how long a ban lasts.

A source that belongs to somebody (an address in a list of a customer or a carrier, one that answered a challenge well,
the node itself) is never banned: its refusals are told to its account instead (peers.md 2.7: a ban that hits the own
PBX is the worst outage of all). Everybody else is nobody's, and is dropped without an answer until the ban expires.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from ipaddress import ip_network
from typing import NamedTuple

from trunkline.core.cause import Cause
from trunkline.core.networks import NetworkError, plain_address


class OffenceRow(NamedTuple):
    limit: int
    """That many within `seconds` are still forgiven."""
    seconds: int
    text: str
    """For the alert: what the source did."""


class Offence(Enum):
    """Why a source is banned; the value says when. The names stand in the list of bans."""

    FLOOD = OffenceRow(100, 1, "more than {limit} requests without credentials within a second")
    GUESSING = OffenceRow(10, 60, "more than {limit} wrong passwords or unknown users within {seconds} s")
    PROBING = OffenceRow(20, 60, "more than {limit} requests for trunks that take no such call within {seconds} s")
    SCANNER = OffenceRow(0, 60, "it calls itself a scanner: {agent}")
    OPERATOR = OffenceRow(0, 60, "banned by the operator")

    @property
    def limit(self) -> int:
        return self.value.limit

    @property
    def seconds(self) -> int:
        return self.value.seconds

    def told(self, agent: str) -> str:
        """What the source did, in words. `agent`: its User-Agent."""
        return self.value.text.format(limit=self.limit, seconds=self.seconds, agent=agent or "-")


OFFENCE_OF = {
    Cause.BAD_CREDENTIALS: Offence.GUESSING,
    Cause.UNKNOWN_TRUNK: Offence.PROBING,
    Cause.GLOBAL_ENDPOINT_AMBIGUOUS: Offence.PROBING,
    Cause.NO_AUTHENTICATION: Offence.PROBING,
    Cause.SOURCE_NOT_IN_ACL: Offence.PROBING,
    Cause.REGISTER_REFUSED: Offence.PROBING,
    Cause.MALFORMED_REQUEST: Offence.PROBING,
}
"""Refusals that a stranger collects when it tries what it can get."""

SCANNERS = (
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sip-scan",
    "sipscan",
    "sipcli",
    "sipptk",
    "sipsleuth",
    "sundayddr",
    "vaxsipuseragent",
    "vaxipuseragent",
    "pplsip",
    "eyebeam release 3006o stamp 17551x",
    "siparmyknife",
    "smap 0.",
    "iwar",
    "siphon scanner",
    "viproy",
    "mr.sip",
    "gulp-sip",
)
"""Names by which attack tools introduce themselves, lower case. A name is no proof, so none of a real PBX is here."""
SCANNER_PATTERN = "|".join(name.replace(".", "[.]") for name in SCANNERS)
"""The same as one extended regular expression (Kamailio compares without regard to case)."""

FIRST_BAN = 60
"""Seconds of a source's first ban; each further one within `REMEMBER` lasts twice as long."""
LONGEST_BAN = 86400
REMEMBER = 86400
"""Seconds for which a source that was banned is remembered, so that the next ban lasts longer."""
SHORTEST_PREFIX = {4: 8, 6: 19}
"""A network of a list with fewer bits names half the world, and protects nobody: one tenant's 0.0.0.0/1 would switch
the defence off for all. The registries give nothing larger to anybody."""


@lru_cache(maxsize=1024)
def is_scanner(user_agent: str | None) -> bool:
    """Whether this User-Agent is the name of an attack tool."""
    return user_agent is not None and any(name in user_agent.lower() for name in SCANNERS)


def ban_seconds(number: int, first: int = FIRST_BAN) -> int:
    """How long the `number`-th ban (from 1) of a source lasts."""
    return min(first << min(max(number, 1) - 1, 20), LONGEST_BAN)


def protects(network: str) -> bool:
    """Whether a network of an access list is narrow enough to say that its addresses belong to somebody."""
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        return False
    return parsed.prefixlen >= SHORTEST_PREFIX[parsed.version]


def ban_value(offence: Offence, since: float, seconds: int, number: int) -> str:
    """What the table of bans holds for a source: `GUESSING since until number`, times in whole Unix seconds."""
    return f"{offence.name} {int(since)} {int(since) + seconds} {number}"


class Ban(NamedTuple):
    """One line of the list of bans."""

    address: str
    offence: Offence
    since: int
    until: int
    """Unix seconds."""
    number: int
    """The how-manieth ban of this source this is."""


def ban_of(key: str, value: str) -> Ban | None:
    """A row of the table of bans; None for what is none."""
    words = value.split(" ")
    try:
        name, since, until, number = words
        return Ban(str(plain_address(key)), Offence[name], int(since), int(until), int(number))
    except (ValueError, KeyError, NetworkError):
        return None


def source_key(address: str) -> str:
    """An address as Kamailio writes it in `$si`: IPv6 in its short form (5.6.3: `::1`). Raises NetworkError."""
    return str(plain_address(address))
