"""/trunkline/v1/Carriers/{sid}/Addresses: source networks of a carrier; an INVITE from there is an origination call.

An address is not changed but replaced: delete it and add the new one.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.carriers import carrier, of_carrier
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import Address, read_fields
from trunkline.store.carriers import add_carrier_address
from trunkline.store.models import CarrierAddress

router = APIRouter(prefix="/trunkline/v1/Carriers/{carrier_sid}/Addresses")


@router.get("")
def list_(context: Ctx, carrier_sid: str) -> Response:
    query = select(CarrierAddress).where(CarrierAddress.carrier_sid == carrier(context, carrier_sid).sid)
    page = context.page(query, CarrierAddress.date_created_us, CarrierAddress.sid)
    return context.v1_list(page, "addresses", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx, carrier_sid: str) -> Response:
    """`Network`: an address, or address/prefix length."""
    parent = carrier(context, carrier_sid)
    context.params.refuse_unknown(("Network",))
    values = read_fields((Address("Network", "network"),), context.params, required=["Network"])
    return created(view(context, add_carrier_address(context.session, parent, **values)))


@router.get("/{sid}")
def fetch(context: Ctx, carrier_sid: str, sid: str) -> Response:
    return shown(view(context, of_carrier(context, CarrierAddress, carrier_sid, sid)))


@router.delete("/{sid}")
def delete(context: Ctx, carrier_sid: str, sid: str) -> Response:
    context.session.delete(of_carrier(context, CarrierAddress, carrier_sid, sid))
    return deleted()


def view(context: Context, row: CarrierAddress) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "carrier_sid": row.carrier_sid,
        "network": row.network,
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "url": f"{context.base.own}/trunkline/v1/Carriers/{row.carrier_sid}/Addresses/{row.sid}",
    }
