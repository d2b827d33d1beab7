"""What a decision may ask of the routing data, and the shapes of the answers.

The edge answers from `routing.db` (trunkline/engines/kamailio/routing.py), the tests from memory. Rows are named tuples
because SQLite rows become them fastest; their fields are the columns of `routing_schema`, in that order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class AccountRow(NamedTuple):
    sid: str
    status: str
    """`active`, `suspended` or `closed`."""
    funds: bool
    """False: prepaid, and nothing is left. (SQLite hands back 0 or 1, which serves.)"""


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

    def trunk_by_label(self, label: str) -> TrunkRow | None:
        """The trunk whose termination domain begins with this label (lower case)."""

    def trunk(self, trunk_sid: str) -> TrunkRow | None: ...

    def account(self, account_sid: str) -> AccountRow | None: ...

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

    def carrier_by_source(self, source_ip: str) -> CarrierRow | None:
        """The carrier to whose addresses this one belongs (disabled ones too: they may still send us calls)."""

    def carriers_with_targets(self) -> Sequence[tuple[CarrierRow, Sequence[CarrierTargetRow]]]:
        """All carriers with all their targets, disabled ones too, in any order."""
