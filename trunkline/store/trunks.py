"""Trunks, their origination URLs, and which lists are attached to them.

Every function that creates takes the lock of the change log before it looks: whether a name is taken and how many there
are cannot change between the look and the insert, on either database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.store import change_log
from trunkline.store.counting import refuse_more
from trunkline.store.domains import parse_domain
from trunkline.store.errors import AlreadyAttached, DomainIsAccountSid, DomainTaken, NotTheAccounts
from trunkline.store.models import (
    Account,
    CredentialList,
    IpAccessControlList,
    OriginationUrl,
    Trunk,
    TrunkCredentialList,
    TrunkIpAccessControlList,
)


class TrunkFields(TypedDict, total=False):
    friendly_name: str
    disaster_recovery_url: str | None
    disaster_recovery_method: str
    secure: bool
    recording_mode: str
    recording_trim: str
    transfer_mode: str
    transfer_caller_id: str
    cnam_lookup_enabled: bool
    symmetric_rtp_enabled: bool
    caller_id_policy: str
    default_caller_id: str | None
    digest_algorithm: str


class OriginationUrlFields(TypedDict, total=False):
    friendly_name: str
    priority: int
    weight: int
    enabled: bool


def create_trunk(
    session: Session,
    account_sid: str,
    *,
    domain_name: str | None = None,
    suffixes: Sequence[str] = (),
    most: int | None = None,
    **fields: Unpack[TrunkFields],
) -> Trunk:
    """A new trunk. `suffixes` are those of the settings; `most` is how many trunks an account may have.

    Raises LimitReached, DomainInvalid, DomainHasSubLabels, DomainTaken, DomainIsAccountSid.
    """
    change_log.lock(session.connection())
    refuse_more(session, most, "trunks of an account", Trunk.account_sid == account_sid)
    trunk = Trunk(account_sid=account_sid, **fields)
    set_domain(session, trunk, domain_name, suffixes)
    session.add(trunk)
    session.flush()
    return trunk


def set_domain(session: Session, trunk: Trunk, domain_name: str | None, suffixes: Sequence[str]) -> None:
    """Give the trunk a termination domain, or none (None or empty). Raises like `create_trunk`."""
    if not domain_name:
        trunk.domain_name = trunk.domain_label = None
        return
    domain, label = parse_domain(domain_name, suffixes)
    if label == trunk.domain_label:
        trunk.domain_name = domain
        return
    change_log.lock(session.connection())
    with session.no_autoflush:
        _refuse_taken(session, trunk, domain, label)
    trunk.domain_name, trunk.domain_label = domain, label


def _refuse_taken(session: Session, trunk: Trunk, domain: str, label: str) -> None:
    holder = session.scalar(select(Trunk.sid).where(Trunk.domain_label == label))
    if holder is not None and holder != trunk.sid:
        raise DomainTaken(f"the domain name {domain} is taken: its label has to be unique on this platform")
    account_sid = label[:2].upper() + label[2:]
    if account_sid != trunk.account_sid and session.get(Account, account_sid) is not None:
        raise DomainIsAccountSid("the domain name is the SID of another account")


def add_origination_url(
    session: Session, trunk: Trunk, sip_url: str, *, most: int | None = None, **fields: Unpack[OriginationUrlFields]
) -> OriginationUrl:
    """One more place where origination calls of the trunk may go. Raises LimitReached."""
    change_log.lock(session.connection())
    refuse_more(session, most, "origination URLs of a trunk", OriginationUrl.trunk_sid == trunk.sid)
    url = OriginationUrl(trunk=trunk, account_sid=trunk.account_sid, sip_url=sip_url, **fields)
    session.add(url)
    session.flush()
    return url


def attach_credential_list(session: Session, trunk: Trunk, credential_list: CredentialList) -> TrunkCredentialList:
    """Let the credentials of the list in. Raises AlreadyAttached, NotTheAccounts."""
    _refuse_foreign(trunk, credential_list)
    change_log.lock(session.connection())
    if session.get(TrunkCredentialList, (trunk.sid, credential_list.sid)) is not None:
        raise AlreadyAttached(f"the credential list {credential_list.sid} is attached to {trunk.sid} already")
    link = TrunkCredentialList(trunk=trunk, credential_list=credential_list)
    session.add(link)
    session.flush()
    return link


def attach_ip_access_control_list(
    session: Session, trunk: Trunk, access_list: IpAccessControlList
) -> TrunkIpAccessControlList:
    """Admit the addresses of the list. Raises AlreadyAttached, NotTheAccounts."""
    _refuse_foreign(trunk, access_list)
    change_log.lock(session.connection())
    if session.get(TrunkIpAccessControlList, (trunk.sid, access_list.sid)) is not None:
        raise AlreadyAttached(f"the IP access control list {access_list.sid} is attached to {trunk.sid} already")
    link = TrunkIpAccessControlList(trunk=trunk, ip_access_control_list=access_list)
    session.add(link)
    session.flush()
    return link


def _refuse_foreign(trunk: Trunk, listed: CredentialList | IpAccessControlList) -> None:
    if listed.account_sid != trunk.account_sid:
        raise NotTheAccounts(f"{listed.sid} belongs to another account than {trunk.sid}")
