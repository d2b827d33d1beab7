"""Routing data in memory, for tests: the same answers as `routing.db` gives, from a few dictionaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trunkline.core import networks
from trunkline.core.registration import Contact, in_order
from trunkline.core.routing_data import (
    AccountRow,
    CarrierRow,
    CarrierTargetRow,
    CredentialRow,
    OriginationUrlRow,
    PhoneNumberRow,
    RateRow,
    TrunkRow,
)


@dataclass
class MemoryRouting:
    accounts: dict[str, AccountRow] = field(default_factory=dict)
    trunks: dict[str, TrunkRow] = field(default_factory=dict)
    rules: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Destination rules by account SID."""
    credentials: dict[str, list[CredentialRow]] = field(default_factory=dict)
    """By list SID."""
    trunk_lists: dict[str, list[str]] = field(default_factory=dict)
    """Credential list SIDs by trunk SID."""
    acls: dict[str, list[str]] = field(default_factory=dict)
    """Networks by ACL SID."""
    trunk_acls: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, PhoneNumberRow] = field(default_factory=dict)
    caller_ids: set[tuple[str, str]] = field(default_factory=set)
    urls: list[OriginationUrlRow] = field(default_factory=list)
    contacts: dict[str, list[Contact]] = field(default_factory=dict)
    """By trunk SID."""
    carriers: dict[str, CarrierRow] = field(default_factory=dict)
    targets: list[CarrierTargetRow] = field(default_factory=list)
    carrier_networks: dict[str, list[str]] = field(default_factory=dict)
    carrier_rates: dict[tuple[str, str], RateRow] = field(default_factory=dict)
    """By carrier SID and prefix."""
    down: set[str] = field(default_factory=set)
    """SIDs of carrier targets."""

    @property
    def standings(self) -> dict[tuple[object, ...], object]:
        """Nothing is remembered: a test may change anything between two decisions."""
        return {}

    def trunk_by_label(self, label: str) -> TrunkRow | None:
        return next((trunk for trunk in self.trunks.values() if trunk.label == label), None)

    def trunk(self, trunk_sid: str) -> TrunkRow | None:
        return self.trunks.get(trunk_sid)

    def account(self, account_sid: str) -> AccountRow | None:
        return self.accounts.get(account_sid)

    def destination_rules(self, account_sid: str) -> Mapping[str, bool]:
        return self.rules.get(account_sid, {})

    def has_credential_lists(self, trunk_sid: str) -> bool:
        return bool(self.trunk_lists.get(trunk_sid))

    def has_acls(self, trunk_sid: str) -> bool:
        return bool(self.trunk_acls.get(trunk_sid))

    def trunk_networks(self, trunk_sid: str) -> Sequence[str]:
        return [network for acl in self.trunk_acls.get(trunk_sid, []) for network in self.acls.get(acl, [])]

    def credential(self, trunk_sid: str, username: str) -> CredentialRow | None:
        for list_sid in sorted(self.trunk_lists.get(trunk_sid, [])):
            for row in self.credentials.get(list_sid, []):
                if row.username == username:
                    return row
        return None

    def trunks_by_username(self, username: str) -> Sequence[tuple[str, CredentialRow]]:
        return [
            (trunk_sid, row)
            for trunk_sid, lists in self.trunk_lists.items()
            for list_sid in lists
            for row in self.credentials.get(list_sid, [])
            if row.username == username
        ]

    def trunks_by_source(self, source_ip: str) -> Sequence[str]:
        return [sid for sid in self.trunk_acls if networks.contains_any(self.trunk_networks(sid), source_ip)]

    def phone_number(self, e164: str) -> PhoneNumberRow | None:
        return self.numbers.get(e164)

    def owns_number(self, account_sid: str, e164: str) -> bool:
        row = self.numbers.get(e164)
        return row is not None and row.account_sid == account_sid

    def verified_caller_id(self, account_sid: str, e164: str) -> bool:
        return (account_sid, e164) in self.caller_ids

    def origination_urls(self, trunk_sid: str) -> Sequence[OriginationUrlRow]:
        return [url for url in self.urls if url.trunk_sid == trunk_sid]

    def takes_registrations(self) -> bool:
        return any(trunk.registration for trunk in self.trunks.values())

    def registered(self, trunk_sid: str) -> Sequence[Contact]:
        return in_order(self.contacts.get(trunk_sid, []))

    def carrier_by_source(self, source_ip: str) -> CarrierRow | None:
        if not source_ip.replace(".", "").isdecimal() and ":" not in source_ip:
            return None  # a name
        for sid, texts in self.carrier_networks.items():
            if networks.contains_any(texts, source_ip):
                return self.carriers[sid]
        return None

    def carriers_with_targets(self) -> Sequence[tuple[CarrierRow, Sequence[CarrierTargetRow]]]:
        return [
            (row, [target for target in self.targets if target.carrier_sid == sid])
            for sid, row in self.carriers.items()
        ]

    def carrier(self, carrier_sid: str) -> CarrierRow | None:
        return self.carriers.get(carrier_sid)

    def rated_carriers(self) -> set[str]:
        return {carrier for carrier, _ in self.carrier_rates}

    def rates(self, e164: str) -> dict[str, RateRow]:
        found: dict[str, RateRow] = {}
        for (carrier, prefix), row in sorted(self.carrier_rates.items(), key=lambda item: len(item[0][1])):
            if e164.startswith(prefix):
                found[carrier] = row
        return found

    def targets_down(self) -> set[str]:
        return self.down
