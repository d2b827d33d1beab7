"""…/SIP/IpAccessControlLists/{sid}/IpAddresses: networks from which calls are let in. IPv4, and (ours) IPv6."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import not_found
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import Address, FriendlyName, WholeNumber, change, read_fields
from trunkline.api.limits import ADDRESSES_PER_LIST
from trunkline.api.owned import owned
from trunkline.api.refusals import refused_as
from trunkline.store.errors import LimitReached
from trunkline.store.ip_access_control_lists import add_ip_address, change_ip_address
from trunkline.store.models import IpAccessControlList, IpAddress

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/SIP/IpAccessControlLists/{list_sid}/IpAddresses")

ADDRESS = Address("IpAddress", "ip_address")
# A list that admits the whole internet is no list, so the shortest prefix is 1; the store knows the longest.
PREFIX = WholeNumber("CidrPrefixLength", "cidr_prefix_length", 1, 128)


@router.get("")
def list_(context: Ctx, list_sid: str) -> Response:
    access_list = owned(context, IpAccessControlList, list_sid)
    query = select(IpAddress).where(IpAddress.ip_access_control_list_sid == access_list.sid)
    page = context.page(query, IpAddress.date_created_us, IpAddress.sid)
    return context.v2010_list(page, "ip_addresses", [view(row) for row in page.rows])


@router.post("")
def create(context: Ctx, list_sid: str) -> Response:
    access_list = owned(context, IpAccessControlList, list_sid)
    values = read_fields((FriendlyName(), ADDRESS, PREFIX), context.params, required=["FriendlyName", "IpAddress"])
    with refused_as({LimitReached: 21237}):
        row = add_ip_address(context.session, access_list, most=ADDRESSES_PER_LIST, **values)
    return created(view(row))


@router.get("/{sid}")
def fetch(context: Ctx, list_sid: str, sid: str) -> Response:
    return shown(view(_of_list(context, list_sid, sid)))


@router.post("/{sid}")
def update(context: Ctx, list_sid: str, sid: str) -> Response:
    """An address alone keeps its prefix length, a prefix length alone its address."""
    row = _of_list(context, list_sid, sid)
    change(row, read_fields((FriendlyName(),), context.params))
    network = read_fields((ADDRESS, PREFIX), context.params)
    if network:
        unchanged: dict[str, Any] = {"ip_address": row.ip_address, "cidr_prefix_length": row.cidr_prefix_length}
        change_ip_address(context.session, row, **(unchanged | network))
    context.session.flush()
    return shown(view(row))


@router.delete("/{sid}")
def delete(context: Ctx, list_sid: str, sid: str) -> Response:
    context.session.delete(_of_list(context, list_sid, sid))
    return deleted()


def _of_list(context: Context, list_sid: str, sid: str) -> IpAddress:
    row = owned(context, IpAddress, sid)
    if row.ip_access_control_list_sid != list_sid:
        raise not_found(context.path)
    return row


def view(row: IpAddress) -> dict[str, Any]:
    parent = f"/2010-04-01/Accounts/{row.account_sid}/SIP/IpAccessControlLists/{row.ip_access_control_list_sid}"
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "friendly_name": row.friendly_name,
        "ip_address": row.ip_address,
        "cidr_prefix_length": row.cidr_prefix_length,
        "ip_access_control_list_sid": row.ip_access_control_list_sid,
        "date_created": rfc2822(row.date_created_us),
        "date_updated": rfc2822(row.date_updated_us),
        "uri": f"{parent}/IpAddresses/{row.sid}.json",
    }
