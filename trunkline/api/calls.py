"""/2010-04-01/Accounts/{sid}/Calls: the published face of the call records (/trunkline/v1/Calls shows all of them)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, select
from starlette.responses import Response

from trunkline.api.context import Context, Ctx, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import Choice
from trunkline.api.money import CURRENCY
from trunkline.api.owned import owned
from trunkline.api.params import Params
from trunkline.api.periods import within
from trunkline.store.models import Call, CallerId, PhoneNumber

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/Calls")

STATUSES = ("queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled")
ORIGINATING = "trunking-originating"

_NORTH_AMERICAN = re.compile(r"\+1([0-9]{3})([0-9]{3})([0-9]{4})")


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(Call).where(Call.account_sid == context.account.sid, *filters(context.params))
    page = context.page(query, Call.started_us, Call.sid)
    numbers = phone_number_sids(context, page.rows)
    return context.v2010_list(page, "calls", [view(call, numbers.get(call.sid)) for call in page.rows])


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    call = owned(context, Call, sid)
    return shown(view(call, phone_number_sids(context, [call]).get(call.sid)))


def filters(params: Params) -> list[ColumnElement[bool]]:
    """`To`, `From`, `Status`, `StartTime`, `EndTime`. ParentCallSid matches nothing: no call here has one."""
    conditions: list[ColumnElement[bool]] = []
    if to := params.get("To"):
        conditions.append(Call.called == _number(to))
    if from_ := params.get("From"):
        conditions.append(Call.caller == _number(from_))
    if status := params.get("Status"):
        conditions.append(Call.status == Choice("Status", "status", STATUSES).read(status))
    if params.get("ParentCallSid"):
        conditions.append(Call.sid.is_(None))
    return conditions + within(params, "StartTime", Call.started_us) + within(params, "EndTime", Call.ended_us)


def _number(text: str) -> str:
    """A plus sign that was not escaped in a query arrives as a blank."""
    return "+" + text[1:] if text.startswith(" ") else text


def phone_number_sids(context: Context, calls: Sequence[Call]) -> dict[str, str]:
    """Call SID → SID of the account's number that was called, or of the number or verified caller ID that called."""
    own = {call.sid: call.called if call.direction == ORIGINATING else call.caller for call in calls}
    account_sid = context.account.sid
    sids: dict[str, str] = {}
    for model in (CallerId, PhoneNumber):
        query = select(model.phone_number, model.sid).where(
            model.account_sid == account_sid, model.phone_number.in_(set(own.values()))
        )
        sids |= {row.phone_number: row.sid for row in context.session.execute(query)}
    return {call_sid: sids[number] for call_sid, number in own.items() if number in sids}


def formatted(number: str) -> str:
    """`+15550100123` → `(555) 010-0123`; what is not North American stays as it is."""
    match = _NORTH_AMERICAN.fullmatch(number)
    return f"({match[1]}) {match[2]}-{match[3]}" if match else number


def view(call: Call, phone_number_sid: str | None) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{call.account_sid}/Calls/{call.sid}"
    return {
        "sid": call.sid,
        "date_created": rfc2822(call.date_created_us),
        "date_updated": rfc2822(call.date_updated_us),
        "parent_call_sid": None,
        "account_sid": call.account_sid,
        "to": call.called,
        "to_formatted": formatted(call.called),
        "from": call.caller,
        "from_formatted": formatted(call.caller),
        "phone_number_sid": phone_number_sid,
        "status": call.status,
        "start_time": rfc2822(call.started_us),
        "end_time": rfc2822(call.ended_us),
        "duration": None if call.duration is None else str(call.duration),
        "price": None,
        "price_unit": CURRENCY,
        "direction": call.direction,
        "answered_by": None,
        "api_version": "2010-04-01",
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": "0",
        "trunk_sid": call.trunk_sid,
        "uri": uri + ".json",
        "subresource_uris": {
            name: f"{uri}/{path}.json"
            for name, path in (("notifications", "Notifications"), ("recordings", "Recordings"), ("events", "Events"))
        },
    }
