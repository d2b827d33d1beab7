"""What the operator decided for the whole edge: the settings that decisions depend on, frozen at the start of a
worker.
"""

from __future__ import annotations

from dataclasses import dataclass

NO_PROVISIONAL_AFTER = 4.0
NO_ANSWER_AFTER = 185.0
SETUP_SECONDS = 20.0
"""Seconds that are usual: kamailio.cfg sets them by itself."""
LONGEST_SETUP = 600
"""Seconds from the INVITE after which a call that is not answered is over, however often it rings again."""


@dataclass(frozen=True, slots=True)
class Policy:
    realm: str
    """Digest realm; the stored HA1 values were made with it."""
    domain_suffixes: tuple[str, ...]
    """Suffixes of termination domains, lower case, without a leading dot: `("pstn.twilio.com",)`. At least one."""
    own_hosts: frozenset[str]
    """The edge's own addresses and names, lower case, IPv6 in canonical form without brackets: Request-URI hosts that
    mean the global endpoint, and sources that may be a carrier and a customer at once (`route`)."""
    nonce_secret: bytes
    """Key of the nonces, 16 bytes or more, the same in all workers."""
    nonce_lifetime: int = 120
    """Seconds for which a nonce is good."""
    no_funds_status: int = 403
    """SIP status towards accounts without funds, suspended or closed: 403 or 603."""
    max_attempts: int = 4
    """Most carrier targets that one call tries (peers.md 2.4: three or four)."""
    max_origination_attempts: int = 10
    """Most origination URLs that one call tries: as many as a trunk of the vendor may have."""
    no_provisional_after: float = NO_PROVISIONAL_AFTER
    """Seconds without any response after which an attempt has failed."""
    no_answer_after: float = NO_ANSWER_AFTER
    """Seconds after the newest provisional response in which the final one has to come (timer C: RFC 3261 section 16.6
    step 11, and 16.7 step 2 for its restart)."""
    setup_seconds: float = SETUP_SECONDS
    """After so many seconds no further attempt begins: the caller has waited long enough (peers.md 2.4)."""
    cheapest_first: bool = False
    """Carriers by cost and then by priority; False: by priority and then by cost."""
    advertised_host: str = "127.0.0.1"
    """Our own address as peers are told, as it stands in a URI."""
    own_ports: frozenset[int] = frozenset()
    """Ports of ours at `own_hosts` and on loopback: no origination URL may lead there."""

    def __post_init__(self) -> None:
        if not self.domain_suffixes:
            raise ValueError("policy needs at least one domain suffix, such as pstn.twilio.com")
        if len(self.nonce_secret) < 16:
            raise ValueError("policy needs a nonce secret of 16 bytes or more")
        if self.no_funds_status not in (403, 603):
            raise ValueError(f"no-funds status must be 403 or 603, not {self.no_funds_status}")
