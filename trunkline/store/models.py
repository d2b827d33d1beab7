"""Everything the store remembers: one typed model for each table of docs/architecture.md ("The store").

Conventions, the same for every table:

- a SID (`sid`) is two letters and 32 lower-case hex digits; one is made when a row comes without it;
- `*_us` are integers, microseconds since 1970 UTC; `*_ms` are milliseconds; `duration` is whole seconds;
- text that the customer may leave empty is `""`; `None` says "there is none" or "not known (yet)".

Children that go with their parent (an origination URL with its trunk, a credential with its list) hang on a
relationship with `cascade="all, delete-orphan"`, never on the database's ON DELETE: each deleted row has to pass the
session, because that is where the change log sees it (`trunkline/store/change_log.py`). Calls, attempts and alerts
refer to other rows without a foreign key, since a record outlives the trunk it speaks of.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trunkline.store.base import Base as Base  # noqa: PLC0414  (handed on, by mypy's rule)
from trunkline.store.base import BigInt
from trunkline.store.base import now_us as now_us  # noqa: PLC0414
from trunkline.store.call_models import Alert as Alert  # noqa: PLC0414
from trunkline.store.call_models import Attempt as Attempt  # noqa: PLC0414
from trunkline.store.call_models import Call as Call  # noqa: PLC0414
from trunkline.store.carrier_models import CarrierRate, CarrierSettings
from trunkline.store.limit_models import AccountLimits, TrunkLimits
from trunkline.store.sids import sid_column


def _account_sid() -> Mapped[str]:
    return mapped_column(ForeignKey("accounts.sid"), index=True)


class Account(AccountLimits, Base):
    """A tenant. `status`: active, suspended, closed. *No funds* is prepaid with a balance of nothing or less."""

    __tablename__ = "accounts"

    sid: Mapped[str] = sid_column("AC")
    friendly_name: Mapped[str] = mapped_column(default="")
    auth_token: Mapped[str]
    status: Mapped[str] = mapped_column(default="active")
    type: Mapped[str] = mapped_column(default="Full")
    """`Full` or `Trial`."""
    owner_account_sid: Mapped[str | None] = mapped_column(ForeignKey("accounts.sid"), index=True)
    platform: Mapped[bool] = mapped_column(default=False)
    """May manage carriers."""
    billing: Mapped[str] = mapped_column(default="postpaid")
    """`postpaid` or `prepaid`."""
    balance_micros: Mapped[int] = mapped_column(BigInt, default=0)
    """Millionths of the currency unit."""


class Trunk(TrunkLimits, Base):
    """A customer's connection: its termination domain, its lists, its numbers and its origination URLs."""

    __tablename__ = "trunks"

    sid: Mapped[str] = sid_column("TK")
    account_sid: Mapped[str] = _account_sid()
    friendly_name: Mapped[str] = mapped_column(default="")
    domain_name: Mapped[str | None]
    domain_label: Mapped[str | None] = mapped_column(unique=True)
    """Lower-case label before the suffix of `domain_name`: what the edge looks for."""
    disaster_recovery_url: Mapped[str | None]
    disaster_recovery_method: Mapped[str] = mapped_column(default="POST")
    secure: Mapped[bool] = mapped_column(default=False)
    recording_mode: Mapped[str] = mapped_column(default="do-not-record")
    recording_trim: Mapped[str] = mapped_column(default="do-not-trim")
    transfer_mode: Mapped[str] = mapped_column(default="disable-all")
    transfer_caller_id: Mapped[str] = mapped_column(default="from-transferee")
    cnam_lookup_enabled: Mapped[bool] = mapped_column(default=False)
    symmetric_rtp_enabled: Mapped[bool] = mapped_column(default=False)
    caller_id_policy: Mapped[str] = mapped_column(default="reject")
    """`reject` or `replace`: what happens to a caller ID that is neither owned nor verified."""
    default_caller_id: Mapped[str | None]
    digest_algorithm: Mapped[str] = mapped_column(default="MD5")
    """`MD5` or `SHA-256` (RFC 8760)."""

    origination_urls: Mapped[list[OriginationUrl]] = relationship(back_populates="trunk", cascade="all, delete-orphan")
    credential_list_links: Mapped[list[TrunkCredentialList]] = relationship(
        back_populates="trunk", cascade="all, delete-orphan"
    )
    ip_access_control_list_links: Mapped[list[TrunkIpAccessControlList]] = relationship(
        back_populates="trunk", cascade="all, delete-orphan"
    )
    phone_numbers: Mapped[list[PhoneNumber]] = relationship(back_populates="trunk")
    """Deleting the trunk detaches them; they stay the account's."""


class OriginationUrl(Base):
    """Where origination calls of a trunk go: low `priority` first, shared by `weight` within one priority."""

    __tablename__ = "origination_urls"

    sid: Mapped[str] = sid_column("OU")
    account_sid: Mapped[str] = _account_sid()
    trunk_sid: Mapped[str] = mapped_column(ForeignKey("trunks.sid"), index=True)
    friendly_name: Mapped[str] = mapped_column(default="")
    sip_url: Mapped[str]
    priority: Mapped[int] = mapped_column(default=10)
    weight: Mapped[int] = mapped_column(default=10)
    enabled: Mapped[bool] = mapped_column(default=True)

    trunk: Mapped[Trunk] = relationship(back_populates="origination_urls")


class CredentialList(Base):
    """A named set of credentials that trunks refer to."""

    __tablename__ = "credential_lists"

    sid: Mapped[str] = sid_column("CL")
    account_sid: Mapped[str] = _account_sid()
    friendly_name: Mapped[str] = mapped_column(default="")

    credentials: Mapped[list[Credential]] = relationship(back_populates="credential_list", cascade="all, delete-orphan")


class Credential(Base):
    """A digest user. The password is never stored, only what a digest needs: H(username:realm:password)."""

    __tablename__ = "credentials"
    __table_args__ = (UniqueConstraint("credential_list_sid", "username"),)

    sid: Mapped[str] = sid_column("CR")
    account_sid: Mapped[str] = _account_sid()
    credential_list_sid: Mapped[str] = mapped_column(ForeignKey("credential_lists.sid"))
    username: Mapped[str] = mapped_column(index=True)
    realm: Mapped[str]
    ha1_md5: Mapped[str]
    """32 lower-case hex digits (RFC 7616 section 3.4.2)."""
    ha1_sha256: Mapped[str]
    """64 lower-case hex digits."""

    credential_list: Mapped[CredentialList] = relationship(back_populates="credentials")


class TrunkCredentialList(Base):
    """This credential list is attached to that trunk."""

    __tablename__ = "trunk_credential_lists"

    trunk_sid: Mapped[str] = mapped_column(ForeignKey("trunks.sid"), primary_key=True)
    credential_list_sid: Mapped[str] = mapped_column(ForeignKey("credential_lists.sid"), primary_key=True, index=True)

    trunk: Mapped[Trunk] = relationship(back_populates="credential_list_links")
    credential_list: Mapped[CredentialList] = relationship()


class IpAccessControlList(Base):
    """A named set of source networks that trunks refer to."""

    __tablename__ = "ip_access_control_lists"

    sid: Mapped[str] = sid_column("AL")
    account_sid: Mapped[str] = _account_sid()
    friendly_name: Mapped[str] = mapped_column(default="")

    addresses: Mapped[list[IpAddress]] = relationship(
        back_populates="ip_access_control_list", cascade="all, delete-orphan"
    )


class IpAddress(Base):
    """One network of an access control list: as the customer wrote it, and in canonical form."""

    __tablename__ = "ip_addresses"
    __table_args__ = (UniqueConstraint("ip_access_control_list_sid", "network"),)

    sid: Mapped[str] = sid_column("IP")
    account_sid: Mapped[str] = _account_sid()
    ip_access_control_list_sid: Mapped[str] = mapped_column(ForeignKey("ip_access_control_lists.sid"))
    friendly_name: Mapped[str] = mapped_column(default="")
    ip_address: Mapped[str]
    cidr_prefix_length: Mapped[int] = mapped_column(default=32)
    network: Mapped[str]
    """Canonical: `192.0.2.0/24`, `2001:db8::/32`; host bits are zero."""

    ip_access_control_list: Mapped[IpAccessControlList] = relationship(back_populates="addresses")


class TrunkIpAccessControlList(Base):
    """This access control list is attached to that trunk."""

    __tablename__ = "trunk_ip_access_control_lists"

    trunk_sid: Mapped[str] = mapped_column(ForeignKey("trunks.sid"), primary_key=True)
    ip_access_control_list_sid: Mapped[str] = mapped_column(
        ForeignKey("ip_access_control_lists.sid"), primary_key=True, index=True
    )

    trunk: Mapped[Trunk] = relationship(back_populates="ip_access_control_list_links")
    ip_access_control_list: Mapped[IpAccessControlList] = relationship()


class PhoneNumber(Base):
    """An E.164 number of an account; origination calls to it go to its trunk."""

    __tablename__ = "phone_numbers"
    # The order of the API's lists: an account may have a million numbers.
    __table_args__ = (Index(None, "account_sid", "date_created_us", "sid"),)

    sid: Mapped[str] = sid_column("PN")
    account_sid: Mapped[str] = mapped_column(ForeignKey("accounts.sid"))
    phone_number: Mapped[str] = mapped_column(unique=True)
    """`+` and digits."""
    friendly_name: Mapped[str] = mapped_column(default="")
    trunk_sid: Mapped[str | None] = mapped_column(ForeignKey("trunks.sid"), index=True)
    options: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON()), default=dict)
    """The voice and SMS fields of the published API, by their names there."""

    trunk: Mapped[Trunk | None] = relationship(back_populates="phone_numbers")


class CallerId(Base):
    """A number of somebody else's network that this account may present, once it is verified."""

    __tablename__ = "caller_ids"
    __table_args__ = (UniqueConstraint("account_sid", "phone_number"),)

    sid: Mapped[str] = sid_column("PN")
    account_sid: Mapped[str] = mapped_column(ForeignKey("accounts.sid"))
    phone_number: Mapped[str]
    friendly_name: Mapped[str] = mapped_column(default="")
    verified: Mapped[bool] = mapped_column(default=False)


class Carrier(CarrierSettings, Base):
    """A company that terminates and originates for us; low `priority` first, shared by `weight` within one priority."""

    __tablename__ = "carriers"

    sid: Mapped[str] = sid_column("CX")
    friendly_name: Mapped[str] = mapped_column(default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    priority: Mapped[int] = mapped_column(default=10)
    weight: Mapped[int] = mapped_column(default=10)

    targets: Mapped[list[CarrierTarget]] = relationship(back_populates="carrier", cascade="all, delete-orphan")
    rates: Mapped[list[CarrierRate]] = relationship(back_populates="carrier", cascade="all, delete-orphan")
    addresses: Mapped[list[CarrierAddress]] = relationship(back_populates="carrier", cascade="all, delete-orphan")


class CarrierTarget(Base):
    """A SIP address of a carrier: `sip:host:port;transport=udp`."""

    __tablename__ = "carrier_targets"

    sid: Mapped[str] = sid_column("CT")
    carrier_sid: Mapped[str] = mapped_column(ForeignKey("carriers.sid"), index=True)
    sip_uri: Mapped[str]
    priority: Mapped[int] = mapped_column(default=10)
    weight: Mapped[int] = mapped_column(default=10)
    enabled: Mapped[bool] = mapped_column(default=True)

    carrier: Mapped[Carrier] = relationship(back_populates="targets")


class CarrierAddress(Base):
    """A source network of a carrier: an INVITE from there is an origination call."""

    __tablename__ = "carrier_addresses"
    __table_args__ = (UniqueConstraint("carrier_sid", "network"),)

    sid: Mapped[str] = sid_column("CN")
    carrier_sid: Mapped[str] = mapped_column(ForeignKey("carriers.sid"))
    network: Mapped[str]
    """Canonical, as in `IpAddress.network`."""

    carrier: Mapped[Carrier] = relationship(back_populates="addresses")


class Change(Base):
    """A routing-relevant row changed. `seq` is in the order of commits; written by `change_log`, read by `publish`."""

    __tablename__ = "changes"
    # AUTOINCREMENT: without it SQLite hands out the numbers of pruned rows again.
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=True)
    entity: Mapped[str]
    """Name of the table."""
    key: Mapped[str]
    """The row's primary key, its parts joined by `|`."""


class SpoolPosition(Base):
    """How far the recorder has stored the spool of one edge."""

    __tablename__ = "spool_positions"

    edge: Mapped[str] = mapped_column(primary_key=True)
    segment: Mapped[str] = mapped_column(default="")
    """File name, `events-<unix minute>.jsonl`."""
    offset: Mapped[int] = mapped_column(BigInt, default=0)
    """Bytes of that file that are stored."""
