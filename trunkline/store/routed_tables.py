"""Which table of the store goes to which table of routing.db, column by column (docs/architecture.md, `routing.db`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from trunkline.store import models
from trunkline.store.carrier_models import CarrierRate
from trunkline.store.limit_models import DestinationRule


@dataclass(frozen=True)
class RoutedTable:
    """One table of routing.db and the rows of the store that it mirrors."""

    name: str
    """In routing.db."""
    columns: tuple[str, ...]
    """Of routing.db, in the order in which `rows` selects them."""
    key: tuple[str, ...]
    """Columns of routing.db that hold the primary key of the store's row."""
    store_key: tuple[InstrumentedAttribute[Any], ...]
    """The primary key of the store's row, as `changes.key` joins it."""
    rows: Select[Any]
    """Every row that routing.db should have."""

    @property
    def entity(self) -> str:
        """What `changes.entity` calls it: the name of the table in the store."""
        return str(self.store_key[0].class_.__tablename__)

    @property
    def ordered_rows(self) -> Select[Any]:
        """By key, so that SQLite appends to its trees instead of looking for the place of each row."""
        return self.rows.order_by(*self.store_key)

    def rows_of(self, keys: Sequence[tuple[str, ...]]) -> Select[Any]:
        """Those of the rows whose key is among `keys`."""
        among: ColumnElement[bool] = tuple_(*self.store_key).in_(keys)
        if len(self.store_key) == 1:
            among = self.store_key[0].in_([key[0] for key in keys])
        return self.rows.where(among)

    @property
    def insert(self) -> str:
        marks = ", ".join("?" for _ in self.columns)
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608  (names of this file)

    @property
    def delete(self) -> str:
        """Deletes by `key`."""
        return f"DELETE FROM {self.name} WHERE {' AND '.join(f'{column} = ?' for column in self.key)}"  # noqa: S608


def _routed(
    name: str,
    columns: dict[str, ColumnElement[Any] | InstrumentedAttribute[Any]],
    *key: str,
    only: ColumnElement[bool] | InstrumentedAttribute[bool] | None = None,
) -> RoutedTable:
    rows = select(*columns.values())
    store_key = tuple(columns[column] for column in key)
    assert all(isinstance(column, InstrumentedAttribute) for column in store_key)
    return RoutedTable(name, tuple(columns), key, store_key, rows if only is None else rows.where(only))  # type: ignore[arg-type]


_no_funds = and_(models.Account.billing == "prepaid", models.Account.balance_micros <= 0)

ROUTED: tuple[RoutedTable, ...] = (
    _routed(
        "accounts",
        {
            "sid": models.Account.sid,
            "status": models.Account.status,
            "funds": case((_no_funds, 0), else_=1),
            "spend_ok": case((models.Account.spend_capped, 0), else_=1),
            "cps": models.Account.cps_limit,
            "calls": models.Account.concurrent_calls_limit,
        },
        "sid",
    ),
    _routed(
        "trunks",
        {
            "sid": models.Trunk.sid,
            "account_sid": models.Trunk.account_sid,
            "label": models.Trunk.domain_label,
            "secure": models.Trunk.secure,
            "caller_id_policy": models.Trunk.caller_id_policy,
            "default_caller_id": models.Trunk.default_caller_id,
            "digest_algorithm": models.Trunk.digest_algorithm,
            "cps": models.Trunk.cps_limit,
            "calls": models.Trunk.concurrent_calls_limit,
            "longest": models.Trunk.max_call_seconds,
            "emergency": models.Trunk.emergency_enabled,
            "number_rules": models.Trunk.number_rules,
            "registration": case((models.Trunk.registration == "allowed", 1), else_=0),
        },
        "sid",
    ),
    _routed(
        "destination_rules",
        {
            "account_sid": DestinationRule.account_sid,
            "scope": DestinationRule.scope,
            "allowed": DestinationRule.allowed,
        },
        "account_sid",
        "scope",
    ),
    _routed(
        "trunk_credential_lists",
        {
            "trunk_sid": models.TrunkCredentialList.trunk_sid,
            "list_sid": models.TrunkCredentialList.credential_list_sid,
        },
        "trunk_sid",
        "list_sid",
    ),
    _routed(
        "credentials",
        {
            "sid": models.Credential.sid,
            "list_sid": models.Credential.credential_list_sid,
            "username": models.Credential.username,
            "ha1_md5": models.Credential.ha1_md5,
            "ha1_sha256": models.Credential.ha1_sha256,
        },
        "sid",
    ),
    _routed(
        "trunk_acls",
        {
            "trunk_sid": models.TrunkIpAccessControlList.trunk_sid,
            "acl_sid": models.TrunkIpAccessControlList.ip_access_control_list_sid,
        },
        "trunk_sid",
        "acl_sid",
    ),
    _routed(
        "acl_addresses",
        {
            "sid": models.IpAddress.sid,
            "acl_sid": models.IpAddress.ip_access_control_list_sid,
            "network": models.IpAddress.network,
        },
        "sid",
    ),
    _routed(
        "phone_numbers",
        {
            "phone_number": models.PhoneNumber.phone_number,
            "sid": models.PhoneNumber.sid,
            "account_sid": models.PhoneNumber.account_sid,
            "trunk_sid": models.PhoneNumber.trunk_sid,
        },
        "sid",
    ),
    _routed(
        "caller_ids",
        {
            "account_sid": models.CallerId.account_sid,
            "phone_number": models.CallerId.phone_number,
            "sid": models.CallerId.sid,
        },
        "sid",
        only=models.CallerId.verified,
    ),
    _routed(
        "origination_urls",
        {
            "sid": models.OriginationUrl.sid,
            "trunk_sid": models.OriginationUrl.trunk_sid,
            "sip_url": models.OriginationUrl.sip_url,
            "priority": models.OriginationUrl.priority,
            "weight": models.OriginationUrl.weight,
            "enabled": models.OriginationUrl.enabled,
        },
        "sid",
    ),
    _routed(
        "carriers",
        {
            "sid": models.Carrier.sid,
            "enabled": models.Carrier.enabled,
            "priority": models.Carrier.priority,
            "weight": models.Carrier.weight,
            "number_format": models.Carrier.number_format,
            "tech_prefix": models.Carrier.tech_prefix,
            "caller_header": models.Carrier.caller_header,
            "from_user": models.Carrier.from_user,
            "from_domain": models.Carrier.from_domain,
            "cps": models.Carrier.cps_limit,
            "calls": models.Carrier.concurrent_calls_limit,
            "auth_username": models.Carrier.auth_username,
            "auth_realm": models.Carrier.auth_realm,
            "auth_ha1_md5": models.Carrier.auth_ha1_md5,
            "auth_ha1_sha256": models.Carrier.auth_ha1_sha256,
            "probe_seconds": models.Carrier.probe_seconds,
            "probe_misses": models.Carrier.probe_misses,
            "register": models.Carrier.register_enabled,
            "registrar": models.Carrier.registrar,
            "register_expires": models.Carrier.register_expires,
        },
        "sid",
    ),
    _routed(
        "carrier_targets",
        {
            "sid": models.CarrierTarget.sid,
            "carrier_sid": models.CarrierTarget.carrier_sid,
            "sip_uri": models.CarrierTarget.sip_uri,
            "priority": models.CarrierTarget.priority,
            "weight": models.CarrierTarget.weight,
            "enabled": models.CarrierTarget.enabled,
        },
        "sid",
    ),
    _routed(
        "carrier_addresses",
        {
            "sid": models.CarrierAddress.sid,
            "carrier_sid": models.CarrierAddress.carrier_sid,
            "network": models.CarrierAddress.network,
        },
        "sid",
    ),
    _routed(
        "carrier_rates",
        {
            "carrier_sid": CarrierRate.carrier_sid,
            "prefix": CarrierRate.prefix,
            "sid": CarrierRate.sid,
            "price_micros": CarrierRate.price_micros,
            "first_seconds": CarrierRate.first_seconds,
            "next_seconds": CarrierRate.next_seconds,
        },
        "sid",
    ),
)

BY_ENTITY = {routed.entity: routed for routed in ROUTED}
