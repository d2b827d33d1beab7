"""/2010-04-01/Accounts/{sid}/SIP/IpAccessControlLists: named sets of source networks that trunks refer to."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.context import Ctx, created, deleted, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import FriendlyName, read_fields
from trunkline.api.limits import IP_ACCESS_CONTROL_LISTS_PER_ACCOUNT
from trunkline.api.owned import owned
from trunkline.api.refusals import refused_as
from trunkline.store.errors import DuplicateFriendlyName, LimitReached, StillAttached
from trunkline.store.ip_access_control_lists import (
    create_ip_access_control_list,
    delete_ip_access_control_list,
    rename_ip_access_control_list,
)
from trunkline.store.models import IpAccessControlList

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/SIP/IpAccessControlLists")

CODES = {DuplicateFriendlyName: 21235, LimitReached: 21255, StillAttached: 21236}


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(IpAccessControlList).where(IpAccessControlList.account_sid == context.account.sid)
    page = context.page(query, IpAccessControlList.date_created_us, IpAccessControlList.sid)
    return context.v2010_list(page, "ip_access_control_lists", [view(row) for row in page.rows])


@router.post("")
def create(context: Ctx) -> Response:
    values = read_fields((FriendlyName(),), context.params, required=["FriendlyName"])
    with refused_as(CODES):
        row = create_ip_access_control_list(
            context.session, context.account.sid, values["friendly_name"], most=IP_ACCESS_CONTROL_LISTS_PER_ACCOUNT
        )
    return created(view(row))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(owned(context, IpAccessControlList, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    row = owned(context, IpAccessControlList, sid)
    values = read_fields((FriendlyName(),), context.params, required=["FriendlyName"])
    with refused_as(CODES):
        rename_ip_access_control_list(context.session, row, values["friendly_name"])
    context.session.flush()
    return shown(view(row))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    row = owned(context, IpAccessControlList, sid)
    with refused_as(CODES):
        delete_ip_access_control_list(context.session, row)
    return deleted()


def view(row: IpAccessControlList) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{row.account_sid}/SIP/IpAccessControlLists/{row.sid}"
    return {
        "account_sid": row.account_sid,
        "date_created": rfc2822(row.date_created_us),
        "date_updated": rfc2822(row.date_updated_us),
        "friendly_name": row.friendly_name,
        "sid": row.sid,
        "subresource_uris": {"ip_addresses": f"{uri}/IpAddresses.json"},
        "uri": f"{uri}.json",
    }
