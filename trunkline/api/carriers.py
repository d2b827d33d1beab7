"""/trunkline/v1/Carriers: the companies that terminate and originate for the platform. The platform account only."""

from __future__ import annotations

import time
from typing import Any, TypeVar

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.auth import require_platform
from trunkline.api.carrier_fields import CREDENTIALS, FIELDS
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import change, read_fields
from trunkline.api.owned import found
from trunkline.engines.kamailio import carrier_state
from trunkline.store.carrier_models import CarrierRate
from trunkline.store.carriers import clear_credentials, create_carrier, set_credentials
from trunkline.store.models import Carrier, CarrierAddress, CarrierTarget

Child = TypeVar("Child", CarrierAddress, CarrierRate, CarrierTarget)

router = APIRouter(prefix="/trunkline/v1/Carriers")

PARAMETERS = [field.name for field in FIELDS] + list(CREDENTIALS)


@router.get("")
def list_(context: Ctx) -> Response:
    require_platform(context.caller)
    page = context.page(select(Carrier), Carrier.date_created_us, Carrier.sid)
    return context.v1_list(page, "carriers", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx) -> Response:
    """`FriendlyName` is required; enabled, priority 10 and weight 10 unless said otherwise. See docs/api.md."""
    require_platform(context.caller)
    context.params.refuse_unknown(PARAMETERS)
    values = read_fields(FIELDS, context.params, required=["FriendlyName"])
    row = create_carrier(context.session, **values)
    _take_credentials(context, row)
    return created(view(context, row))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(context, carrier(context, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    row = carrier(context, sid)
    context.params.refuse_unknown(PARAMETERS)
    change(row, read_fields(FIELDS, context.params))
    _take_credentials(context, row)
    return shown(view(context, row))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    """Its targets, addresses and rates go with it."""
    context.session.delete(carrier(context, sid))
    return deleted()


def _take_credentials(context: Context, row: Carrier) -> None:
    """All three come together: what is stored of the password holds for one user name and one realm. An empty
    `AuthUsername` takes them away."""
    given = {name: context.params.get(name) for name in CREDENTIALS}
    if given["AuthUsername"] == "":
        clear_credentials(row)
    elif any(value is not None for value in given.values()):
        username, realm, password = (given[name] or "" for name in CREDENTIALS)
        for name, value in zip(CREDENTIALS, (username, realm, password), strict=True):
            if not value or len(value) > 128 or any(ord(character) < 32 for character in value):
                raise ApiError(20422, f"{', '.join(CREDENTIALS)} come together: {name} must have 1 to 128 characters")
        set_credentials(row, username, realm, password)
    if row.register_enabled and row.auth_username is None:
        raise ApiError(20422, "RegisterEnabled needs AuthUsername, AuthRealm and AuthPassword")
    context.session.flush()


def carrier(context: Context, sid: str) -> Carrier:
    """The carrier, for the platform account. Raises ApiError 20006, 20404."""
    require_platform(context.caller)
    return found(context, Carrier, sid)


def of_carrier(context: Context, kind: type[Child], carrier_sid: str, sid: str) -> Child:
    """A row that hangs on this carrier. Raises ApiError 20006, 20404."""
    carrier(context, carrier_sid)
    row = found(context, kind, sid)
    if row.carrier_sid != carrier_sid:
        raise not_found(context.path)
    return row


def _registration(context: Context, row: Carrier) -> dict[str, Any] | None:
    """How this node's registration stands; None: there is none to be."""
    if not row.register_enabled:
        return None
    path = context.settings.run_dir / carrier_state.STATE_FILE
    known = carrier_state.read(path, time.time())["registrations"].get(row.sid)
    if known is None:
        return {"state": "trying", "until": None, "last_answer": None}
    until = iso8601(int(known["until"] * 1e6)) if known["state"] == "registered" else None
    return {"state": known["state"], "until": until, "last_answer": known["answer"]}


def view(context: Context, row: Carrier) -> dict[str, Any]:
    url = f"{context.base.own}/trunkline/v1/Carriers/{row.sid}"
    return {
        "sid": row.sid,
        "friendly_name": row.friendly_name,
        "enabled": row.enabled,
        "priority": row.priority,
        "weight": row.weight,
        "number_format": row.number_format,
        "tech_prefix": row.tech_prefix,
        "caller_header": row.caller_header,
        "from_user": row.from_user,
        "from_domain": row.from_domain,
        "cps_limit": row.cps_limit,
        "concurrent_calls_limit": row.concurrent_calls_limit,
        "auth_username": row.auth_username,
        "auth_realm": row.auth_realm,
        "probe_seconds": row.probe_seconds,
        "probe_misses": row.probe_misses,
        "register_enabled": row.register_enabled,
        "registrar": row.registrar,
        "register_expires": row.register_expires,
        "registration": _registration(context, row),
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "url": url,
        "links": {"targets": f"{url}/Targets", "addresses": f"{url}/Addresses", "rates": f"{url}/Rates"},
    }
