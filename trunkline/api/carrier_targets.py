"""/trunkline/v1/Carriers/{sid}/Targets: the SIP addresses of a carrier that termination calls go to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.api_error import ApiError
from trunkline.api.carriers import carrier, of_carrier
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import Flag, WholeNumber, change, read_fields
from trunkline.api.limits import PRIORITY_MOST, SIP_URL_CHARACTERS, WEIGHT_MOST
from trunkline.engines.kamailio import carrier_state, resting
from trunkline.store.carriers import add_target, canonical_target
from trunkline.store.models import CarrierTarget

router = APIRouter(prefix="/trunkline/v1/Carriers/{carrier_sid}/Targets")


@dataclass(frozen=True, slots=True)
class TargetUri:
    """`sip:host:port;transport=udp`; what is left out is filled in, but for the port of a name (SRV)."""

    name: str = "SipUri"
    column: str = "sip_uri"

    def read(self, text: str) -> str:
        if len(text) > SIP_URL_CHARACTERS:
            raise ApiError(20422, f"{self.name} is longer than {SIP_URL_CHARACTERS} characters")
        return canonical_target(text)


FIELDS = (
    TargetUri(),
    Flag("Enabled", "enabled"),
    WholeNumber("Priority", "priority", 0, PRIORITY_MOST),
    WholeNumber("Weight", "weight", 1, WEIGHT_MOST),
)


@router.get("")
def list_(context: Ctx, carrier_sid: str) -> Response:
    query = select(CarrierTarget).where(CarrierTarget.carrier_sid == carrier(context, carrier_sid).sid)
    page = context.page(query, CarrierTarget.date_created_us, CarrierTarget.sid)
    return context.v1_list(page, "targets", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx, carrier_sid: str) -> Response:
    parent = carrier(context, carrier_sid)
    context.params.refuse_unknown(field.name for field in FIELDS)
    values = read_fields(FIELDS, context.params, required=["SipUri"])
    return created(view(context, add_target(context.session, parent, values.pop("sip_uri"), **values)))


@router.get("/{sid}")
def fetch(context: Ctx, carrier_sid: str, sid: str) -> Response:
    return shown(view(context, of_carrier(context, CarrierTarget, carrier_sid, sid)))


@router.post("/{sid}")
def update(context: Ctx, carrier_sid: str, sid: str) -> Response:
    row = of_carrier(context, CarrierTarget, carrier_sid, sid)
    context.params.refuse_unknown(field.name for field in FIELDS)
    change(row, read_fields(FIELDS, context.params))
    context.session.flush()
    return shown(view(context, row))


@router.delete("/{sid}")
def delete(context: Ctx, carrier_sid: str, sid: str) -> Response:
    context.session.delete(of_carrier(context, CarrierTarget, carrier_sid, sid))
    return deleted()


def _state(context: Context, row: CarrierTarget) -> dict[str, Any]:
    """What this node's edge knows: `unknown` where it does not ask, or has not got an answer yet."""
    run, now = context.settings.run_dir, time.time()
    until = resting.read(run / resting.REST_FILE, now).get(row.sid)
    rests = {"rests_until": None if until is None else iso8601(int(until * 1e6))}
    known = carrier_state.read(run / carrier_state.STATE_FILE, now)["targets"].get(row.sid)
    if known is None or known["state"] == "unknown":
        return {"state": "unknown", "state_since": None, "last_answer": None, **rests}
    return {
        "state": known["state"],
        "state_since": iso8601(int(known["since"] * 1e6)),
        "last_answer": known["answer"],
        **rests,
    }


def view(context: Context, row: CarrierTarget) -> dict[str, Any]:
    return {
        "sid": row.sid,
        "carrier_sid": row.carrier_sid,
        "sip_uri": row.sip_uri,
        "enabled": row.enabled,
        "priority": row.priority,
        "weight": row.weight,
        **_state(context, row),
        "date_created": iso8601(row.date_created_us),
        "date_updated": iso8601(row.date_updated_us),
        "url": f"{context.base.own}/trunkline/v1/Carriers/{row.carrier_sid}/Targets/{row.sid}",
    }
