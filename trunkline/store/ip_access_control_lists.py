"""IP access control lists and their addresses."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.store import change_log
from trunkline.store.counting import refuse_more
from trunkline.store.errors import DuplicateAddress, DuplicateFriendlyName, StillAttached
from trunkline.store.models import IpAccessControlList, IpAddress, TrunkIpAccessControlList
from trunkline.store.networks import host_network


def create_ip_access_control_list(
    session: Session, account_sid: str, friendly_name: str, *, most: int | None = None
) -> IpAccessControlList:
    """A new, empty list. Raises DuplicateFriendlyName, LimitReached."""
    change_log.lock(session.connection())
    refuse_more(session, most, "IP access control lists of an account", IpAccessControlList.account_sid == account_sid)
    access_list = IpAccessControlList(account_sid=account_sid)
    rename_ip_access_control_list(session, access_list, friendly_name)
    session.add(access_list)
    session.flush()
    return access_list


def rename_ip_access_control_list(session: Session, access_list: IpAccessControlList, friendly_name: str) -> None:
    """Raises DuplicateFriendlyName. Any number of lists may have no name."""
    change_log.lock(session.connection())
    same = select(IpAccessControlList.sid).where(
        IpAccessControlList.account_sid == access_list.account_sid, IpAccessControlList.friendly_name == friendly_name
    )
    if friendly_name and set(session.scalars(same)) - {access_list.sid}:
        raise DuplicateFriendlyName(f"the account has an IP access control list named {friendly_name!r} already")
    access_list.friendly_name = friendly_name


def add_ip_address(
    session: Session,
    access_list: IpAccessControlList,
    ip_address: str,
    cidr_prefix_length: int | None = None,
    *,
    friendly_name: str = "",
    most: int | None = None,
) -> IpAddress:
    """One more network; without a prefix length, one host. Raises AddressInvalid, DuplicateAddress, LimitReached."""
    change_log.lock(session.connection())
    refuse_more(session, most, "addresses of a list", IpAddress.ip_access_control_list_sid == access_list.sid)
    address = IpAddress(account_sid=access_list.account_sid, friendly_name=friendly_name)
    _place(session, access_list.sid, address, ip_address, cidr_prefix_length)
    address.ip_access_control_list = access_list
    session.add(address)
    session.flush()
    return address


def change_ip_address(
    session: Session, address: IpAddress, ip_address: str, cidr_prefix_length: int | None = None
) -> None:
    """Another network in its place. Raises AddressInvalid, DuplicateAddress."""
    change_log.lock(session.connection())
    _place(session, address.ip_access_control_list_sid, address, ip_address, cidr_prefix_length)
    session.flush()


def _place(session: Session, list_sid: str, address: IpAddress, ip_address: str, prefix_length: int | None) -> None:
    host, length, network = host_network(ip_address, prefix_length)
    same = select(IpAddress.sid).where(IpAddress.ip_access_control_list_sid == list_sid, IpAddress.network == network)
    if set(session.scalars(same)) - {address.sid}:
        raise DuplicateAddress(f"the list has {network} already")
    address.ip_address, address.cidr_prefix_length, address.network = host, length, network


def delete_ip_access_control_list(session: Session, access_list: IpAccessControlList) -> None:
    """Delete the list and its addresses. Raises StillAttached while a trunk refers to it."""
    change_log.lock(session.connection())
    holder = select(TrunkIpAccessControlList.trunk_sid).where(
        TrunkIpAccessControlList.ip_access_control_list_sid == access_list.sid
    )
    trunk_sid = session.scalar(holder.order_by(TrunkIpAccessControlList.trunk_sid).limit(1))
    if trunk_sid is not None:
        raise StillAttached(f"the IP access control list is attached to {trunk_sid}: detach it first")
    session.delete(access_list)
    session.flush()
