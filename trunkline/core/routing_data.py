"""What a decision may ask of the routing data, and the shapes of the answers.

The edge answers from `routing.db` (trunkline/engines/kamailio/routing.py), the tests from memory. Rows are named tuples
because SQLite rows become them fastest; their fields are the columns of `routing_schema`, in that order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from trunkline.core.registration import Contact


class AccountRow(NamedTuple):
    sid: str
    status: str
    """`active`, `suspended` or `closed`."""
    funds: bool
    """False: prepaid, and nothing is left. (SQLite hands back 0 or 1, which serves.)"""
    spend_ok: bool = True
    """False: the spending cap of the day is reached."""
    cps: float = 1000.0
    """Calls that may begin per second, over all trunks."""
    calls: int = 20_000
    """Calls that may be up at a time, over all trunks."""


class TrunkRow(NamedTuple):
    sid: str
    account_sid: str
    label: str | None
    """First label of the termination domain, lower case. None: the trunk has no termination domain."""
    secure: bool
    caller_id_policy: str
    """`reject` or `replace`."""
    default_caller_id: str | None
    """+E.164, used by `replace`."""
    digest_algorithm: str
    """`MD5` or `SHA-256`."""
    cps: float = 1000.0
    """Calls that may begin per second."""
    calls: int = 20_000
    """Calls that may be up at a time."""
    longest: int = 86_400
    """Seconds after which a call is ended."""
    emergency: bool = False
    """Whether emergency numbers may be called."""
    number_rules: str = "[]"
    """JSON: see `number_rules`."""
    registration: bool = False
    """Whether a PBX may register with it."""


class CredentialRow(NamedTuple):
    sid: str
    list_sid: str
    username: str
    ha1_md5: str
    """MD5(username:realm:password), 32 hexadecimal digits."""
    ha1_sha256: str
    """SHA-256 of the same, 64 hexadecimal digits (RFC 8760)."""


class PhoneNumberRow(NamedTuple):
    phone_number: str
    sid: str
    account_sid: str
    trunk_sid: str | None


class OriginationUrlRow(NamedTuple):
    sid: str
    trunk_sid: str
    sip_url: str
    priority: int
    """Low first."""
    weight: int
    """Share within the priority."""
    enabled: bool


class CarrierRow(NamedTuple):
    sid: str
    enabled: bool
    priority: int
    weight: int
    number_format: str = "e164"
    """`e164` (+4930…) or `digits` (4930…)."""
    tech_prefix: str = ""
    """Before the called number."""
    caller_header: str = "both"
    """Where the caller stands: `both`, `from` or `asserted` (P-Asserted-Identity)."""
    from_user: str | None = None
    """With `asserted`: the user of From instead of the caller."""
    from_domain: str | None = None
    """Host of From and P-Asserted-Identity instead of ours."""
    cps: float | None = None
    """Calls that may begin per second; None: no limit."""
    calls: int | None = None
    """Calls that may be up at a time; None: no limit."""
    auth_username: str | None = None
    """None: it has no credentials for us."""
    auth_realm: str | None = None
    auth_ha1_md5: str | None = None
    auth_ha1_sha256: str | None = None
    probe_seconds: int = 30
    """Between two OPTIONS to each target; 0: none."""
    probe_misses: int = 3
    """So many in a row without an answer, and the target is down."""
    register: bool = False
    registrar: str | None = None
    """`sip:host:port;transport=udp`; None: the first target."""
    register_expires: int = 300

    @property
    def plain(self) -> bool:
        """Everything as we say it by ourselves."""
        return self[4:9] == _PLAIN

    @property
    def usual(self) -> bool:
        """Plain, without limits and credentials."""
        return self[4:12] == _USUAL


_PLAIN = ("e164", "", "both", None, None)
_USUAL = (*_PLAIN, None, None, None)


class RateRow(NamedTuple):
    """What a minute costs."""

    price_micros: int
    """Millionths of the currency unit per minute."""
    first_seconds: int
    """Billed at least."""
    next_seconds: int
    """Then by so many at a time."""


class CarrierTargetRow(NamedTuple):
    sid: str
    carrier_sid: str
    sip_uri: str
    """`sip:host:port;transport=udp`."""
    priority: int
    weight: int
    enabled: bool


class RoutingData(Protocol):
    """One consistent view of the routing data for the length of one decision.

    Addresses are texts as the edge saw them; networks are canonical texts (`192.0.2.0/24`, `2001:db8::/32`); numbers
    are +E.164. A look-up that finds nothing answers None, False or an empty sequence and never raises for that.
    """

    @property
    def standings(self) -> dict[tuple[object, ...], Any]:
        """What `standing` remembers of senders: kept for it as long as all the answers below stay the same, and for
        everything else than carrier targets that are down and registrations. Values are `standing.Standing`.
        """

    def trunk_by_label(self, label: str) -> TrunkRow | None:
        """The trunk whose termination domain begins with this label (lower case)."""

    def trunk(self, trunk_sid: str) -> TrunkRow | None: ...

    def account(self, account_sid: str) -> AccountRow | None: ...

    def destination_rules(self, account_sid: str) -> Mapping[str, bool]:
        """The account's own rules of where it may call, by scope (`destination`)."""

    def has_credential_lists(self, trunk_sid: str) -> bool:
        """Whether any credential list is attached, even an empty one."""

    def has_acls(self, trunk_sid: str) -> bool:
        """Whether any IP access control list is attached, even an empty one."""

    def trunk_networks(self, trunk_sid: str) -> Sequence[str]:
        """The networks of all IP access control lists of the trunk."""

    def credential(self, trunk_sid: str, username: str) -> CredentialRow | None:
        """The credential with this user name (exact) in the trunk's credential lists; the first by list SID where two
        lists have it.
        """

    def trunks_by_username(self, username: str) -> Sequence[tuple[str, CredentialRow]]:
        """Every (trunk SID, credential) through which this user name could call."""

    def trunks_by_source(self, source_ip: str) -> Sequence[str]:
        """SIDs of the trunks with an IP access control list that contains the address; each once."""

    def phone_number(self, e164: str) -> PhoneNumberRow | None: ...

    def owns_number(self, account_sid: str, e164: str) -> bool:
        """Whether the number is one of the account's phone numbers."""

    def verified_caller_id(self, account_sid: str, e164: str) -> bool: ...

    def origination_urls(self, trunk_sid: str) -> Sequence[OriginationUrlRow]:
        """All of the trunk, disabled ones too, in any order."""

    def takes_registrations(self) -> bool:
        """Whether any trunk does."""

    def registered(self, trunk_sid: str) -> Sequence[Contact]:
        """Where PBXs of the trunk are registered now, in the order in which calls try them."""

    def carrier_by_source(self, source_ip: str) -> CarrierRow | None:
        """The carrier to whose addresses this one belongs (disabled ones too: they may still send us calls)."""

    def carriers_with_targets(self) -> Sequence[tuple[CarrierRow, Sequence[CarrierTargetRow]]]:
        """All carriers with all their targets, disabled ones too, in any order."""

    def carrier(self, carrier_sid: str) -> CarrierRow | None: ...

    def rated_carriers(self) -> Collection[str]:
        """SIDs of the carriers that have any rate."""

    def rates(self, e164: str) -> Mapping[str, RateRow]:
        """By carrier SID: the rate of the longest prefix of the number; carriers without one are missing."""

    def targets_down(self) -> Collection[str]:
        """SIDs of the carrier targets that do not answer OPTIONS, or have asked to be left alone (`carrier_rest`)."""
