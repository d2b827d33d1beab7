"""/trunkline/v1/Carriers: the companies that terminate and originate for the platform. The platform account only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.auth import require_platform
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import Flag, FriendlyName, WholeNumber, change, read_fields
from trunkline.api.limits import PRIORITY_MOST, WEIGHT_MOST
from trunkline.api.owned import found
from trunkline.store.carriers import create_carrier
from trunkline.store.models import Carrier

router = APIRouter(prefix="/trunkline/v1/Carriers")

FIELDS = (
    FriendlyName(),
    Flag("Enabled", "enabled"),
    WholeNumber("Priority", "priority", 0, PRIORITY_MOST),
    WholeNumber("Weight", "weight", 1, WEIGHT_MOST),
)


@router.get("")
def list_(context: Ctx) -> Response:
    require_platform(context.caller)
    page = context.page(select(Carrier), Carrier.date_created_us, Carrier.sid)
    return context.v1_list(page, "carriers", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx) -> Response:
    """`FriendlyName` is required; enabled, priority 10 and weight 10 unless said otherwise."""
    require_platform(context.caller)
    context.params.refuse_unknown(field.name for field in FIELDS)
    values = read_fields(FIELDS, context.params, required=["FriendlyName"])
    return created(view(context, create_carrier(context.session, **values)))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(context, carrier(context, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    row = carrier(context, sid)
    context.params.refuse_unknown(field.name for field in FIELDS)
    change(row, read_fields(FIELDS, context.params))
    context.session.flush()
    return shown(view(context, row))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    """Its targets and addresses go with it."""
    context.session.delete(carrier(context, sid))
    return deleted()


def carrier(context: Context, sid: str) -> Carrier:
    """The carrier, for the platform account. Raises ApiError 20006, 20404."""
    require_platform(context.caller)
    return found(context, Carrier, sid)


def view(context: Context, row: Carrier) -> dict[str, Any]:
    url = f"{context.base.own}/trunkline/v1/Carriers/{row.sid}"
    return {
        "sid": row.sid,
        "friendly_name": row.friendly_name,
        "enabled": row.enabled,
        "priority": row.priority,
        "weight": row.weight,
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "url": url,
        "links": {"targets": f"{url}/Targets", "addresses": f"{url}/Addresses"},
    }
