"""/trunkline/v1/CallerIds: the operator declares that an account may present a number of another network."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError
from trunkline.api.auth import addressed_account, require_platform
from trunkline.api.caller_id_use import refuse_default_caller_id
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import E164Number, FriendlyName, read_fields
from trunkline.api.owned import found
from trunkline.api.refusals import refused_as
from trunkline.store.errors import DuplicateNumber
from trunkline.store.models import CallerId, PhoneNumber
from trunkline.store.phone_numbers import add_caller_id

router = APIRouter(prefix="/trunkline/v1/CallerIds")


@router.get("")
def list_(context: Ctx) -> Response:
    require_platform(context.caller)
    query = select(CallerId)
    if account_sid := context.params.get("AccountSid"):
        query = query.where(CallerId.account_sid == account_sid)
    page = context.page(query, CallerId.date_created_us, CallerId.sid)
    return context.v1_list(page, "caller_ids", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx) -> Response:
    """`AccountSid` (default: the caller's), `PhoneNumber`, `FriendlyName`."""
    require_platform(context.caller)
    params = context.params
    params.refuse_unknown(("AccountSid", "PhoneNumber", "FriendlyName"))
    fields = (E164Number("PhoneNumber", "phone_number", 21211), FriendlyName())
    values = read_fields(fields, params, required=["PhoneNumber"])
    account = addressed_account(context.session, context.caller, params.get("AccountSid") or context.caller.sid)
    number = values["phone_number"]
    own = select(PhoneNumber.sid).where(PhoneNumber.phone_number == number, PhoneNumber.account_sid == account.sid)
    if context.session.scalar(own) is not None:
        raise ApiError(21449, f"{number} is a number of the account already, so it may be presented as it is")
    with refused_as({DuplicateNumber: 21450}):
        row = add_caller_id(
            context.session, account.sid, number, friendly_name=values.get("friendly_name"), verified=True
        )
    return created(view(context, row))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    require_platform(context.caller)
    return shown(view(context, found(context, CallerId, sid)))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    require_platform(context.caller)
    row = found(context, CallerId, sid)
    refuse_default_caller_id(context.session, row.account_sid, row.phone_number)
    context.session.delete(row)
    return deleted()


def view(context: Context, row: CallerId) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "account_sid": row.account_sid,
        "phone_number": row.phone_number,
        "friendly_name": row.friendly_name,
        "verified": row.verified,
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "url": f"{context.base.own}/trunkline/v1/CallerIds/{row.sid}",
    }
