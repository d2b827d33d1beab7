"""/2010-04-01/Accounts/{sid}/OutgoingCallerIds: numbers of other networks that were verified for an account.

The vendor verifies by calling the number and reading back a code. This server places no calls of its own, so it does
not pretend to: the operator declares a number at /trunkline/v1/CallerIds, and a POST here says so.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.caller_id_use import refuse_default_caller_id
from trunkline.api.context import Context, Ctx, deleted, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import FriendlyName, change, read_fields
from trunkline.api.owned import owned
from trunkline.store.models import CallerId

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/OutgoingCallerIds")


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(CallerId).where(CallerId.account_sid == context.account.sid, CallerId.verified)
    if number := context.params.get("PhoneNumber"):
        query = query.where(CallerId.phone_number == ("+" + number[1:] if number.startswith(" ") else number))
    if name := context.params.get("FriendlyName"):
        query = query.where(CallerId.friendly_name == name)
    page = context.page(query, CallerId.date_created_us, CallerId.sid)
    return context.v2010_list(page, "outgoing_caller_ids", [view(row) for row in page.rows])


@router.post("")
def create(_context: Ctx) -> Response:
    raise ApiError(
        20004,
        "This server does not verify a caller ID by calling it. Its operator declares a number that was verified in "
        "another way: POST /trunkline/v1/CallerIds with AccountSid and PhoneNumber",
    )


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(_verified(context, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    row = _verified(context, sid)
    change(row, read_fields((FriendlyName(),), context.params))
    context.session.flush()
    return shown(view(row))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    row = _verified(context, sid)
    refuse_default_caller_id(context.session, row.account_sid, row.phone_number)
    context.session.delete(row)
    return deleted()


def _verified(context: Context, sid: str) -> CallerId:
    row = owned(context, CallerId, sid)
    if not row.verified:
        raise not_found(context.path)
    return row


def view(row: CallerId) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "date_created": rfc2822(row.date_created_us),
        "date_updated": rfc2822(row.date_updated_us),
        "friendly_name": row.friendly_name,
        "account_sid": row.account_sid,
        "phone_number": row.phone_number,
        "uri": f"/2010-04-01/Accounts/{row.account_sid}/OutgoingCallerIds/{row.sid}.json",
    }
