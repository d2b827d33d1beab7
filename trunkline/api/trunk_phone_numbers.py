"""/v1/Trunks/{sid}/PhoneNumbers: the numbers whose origination calls go to a trunk."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import not_found
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.number_options import shared_view
from trunkline.api.owned import owned, referred
from trunkline.store.models import PhoneNumber, Trunk
from trunkline.store.phone_numbers import attach_to_trunk

router = APIRouter(prefix="/v1/Trunks/{trunk_sid}/PhoneNumbers")


@router.get("")
def list_(context: Ctx, trunk_sid: str) -> Response:
    trunk = owned(context, Trunk, trunk_sid)
    query = select(PhoneNumber).where(PhoneNumber.trunk_sid == trunk.sid)
    page = context.page(query, PhoneNumber.date_created_us, PhoneNumber.sid)
    views = [view(context, row) for row in page.rows]
    return context.v1_list(page, "phone_numbers", views, context.base.of("trunking"))


@router.post("")
def create(context: Ctx, trunk_sid: str) -> Response:
    """Takes the number away from another trunk of the account if it was there."""
    trunk = owned(context, Trunk, trunk_sid)
    row = referred(context, PhoneNumber, context.params.required("PhoneNumberSid"), "PhoneNumberSid")
    attach_to_trunk(row, trunk)
    context.session.flush()
    return created(view(context, row))


@router.get("/{sid}")
def fetch(context: Ctx, trunk_sid: str, sid: str) -> Response:
    return shown(view(context, _of_trunk(context, trunk_sid, sid)))


@router.delete("/{sid}")
def delete(context: Ctx, trunk_sid: str, sid: str) -> Response:
    """Detaches; the number stays the account's."""
    attach_to_trunk(_of_trunk(context, trunk_sid, sid), None)
    return deleted()


def _of_trunk(context: Context, trunk_sid: str, sid: str) -> PhoneNumber:
    row = owned(context, PhoneNumber, sid)
    if row.trunk_sid != trunk_sid:
        raise not_found(context.path)
    return row


def view(context: Context, row: PhoneNumber) -> dict[str, Any]:
    number = f"{context.base.of('api')}/2010-04-01/Accounts/{row.account_sid}/IncomingPhoneNumbers/{row.sid}.json"
    return shared_view(row) | {
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "links": {"phone_number": number},
        "url": f"{context.base.of('trunking')}/v1/Trunks/{row.trunk_sid}/PhoneNumbers/{row.sid}",
    }
