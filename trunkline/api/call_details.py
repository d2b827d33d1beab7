"""/trunkline/v1/Calls: all that we know of a call: its attempts, the SIP facts and the media figures of both sides.

The platform account sees the calls of every account, and those that no account could be found for.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, select, true
from starlette.responses import Response

from trunkline.api.api_error import not_found
from trunkline.api.calls import filters
from trunkline.api.context import Context, Ctx, shown
from trunkline.api.owned import found
from trunkline.store.models import Alert, Attempt, Call

router = APIRouter(prefix="/trunkline/v1/Calls")

MEDIA_FIGURES = ("packets", "lost", "jitter_ms", "mos", "round_trip_ms")


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(Call).where(_visible(context), *filters(context.params))
    if sip_call_id := context.params.get("SipCallId"):
        query = query.where(Call.sip_call_id == sip_call_id)
    page = context.page(query, Call.started_us, Call.sid)
    return context.v1_list(page, "calls", [view(context, call) for call in page.rows], context.base.own)


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    call = found(context, Call, sid)
    if not context.caller.platform and call.account_sid != context.account.sid:
        raise not_found(context.path)
    session = context.session
    attempts = session.scalars(select(Attempt).where(Attempt.call_sid == sid).order_by(Attempt.n))
    alerts = session.scalars(select(Alert).where(Alert.resource_sid == sid).order_by(Alert.generated_us, Alert.sid))
    children = {
        "attempts": [attempt_view(attempt) | rate_view(context, attempt) for attempt in attempts],
        "alerts": [alert_view(alert) for alert in alerts],
    }
    return shown(view(context, call) | children)


def _visible(context: Context) -> ColumnElement[bool]:
    return true() if context.caller.platform else Call.account_sid == context.account.sid


def view(context: Context, call: Call) -> dict[str, Any]:
    """Times `*_us` are microseconds since 1970 UTC, exact where the published face is cut to the second."""
    return {
        "sid": call.sid,
        "account_sid": call.account_sid,
        "trunk_sid": call.trunk_sid,
        "direction": call.direction,
        "caller": call.caller,
        "called": call.called,
        "status": call.status,
        "sip_status": call.sip_status,
        "sip_reason": call.sip_reason,
        "cause": call.cause,
        "error_code": call.error_code,
        "more_info": f"{context.base.own}/docs/errors/{call.error_code}" if call.error_code else None,
        "started_us": call.started_us,
        "ringing_us": call.ringing_us,
        "answered_us": call.answered_us,
        "ended_us": call.ended_us,
        "duration": call.duration,
        "pdd_ms": call.pdd_ms,
        "ended_by": call.ended_by,
        "q850_cause": call.q850_cause,
        "sip_call_id": call.sip_call_id,
        "source_address": call.source_address,
        "user_agent": call.user_agent,
        "codec": call.codec,
        "price_micros": call.price_micros if context.caller.platform else None,
        "secure": call.secure,
        "edge": call.edge,
        "customer_side": _media(call, "customer"),
        "carrier_side": _media(call, "carrier"),
        "url": f"{context.base.own}/trunkline/v1/Calls/{call.sid}",
    }


def _media(call: Call, side: str) -> dict[str, Any]:
    """Of the stream received from that side."""
    return {figure: getattr(call, f"{side}_{figure}") for figure in MEDIA_FIGURES}


def attempt_view(attempt: Attempt) -> dict[str, Any]:
    return {
        "n": attempt.n,
        "carrier_sid": attempt.carrier_sid,
        "target_sid": attempt.target_sid,
        "uri": attempt.uri,
        "started_us": attempt.started_us,
        "ringing_us": attempt.ringing_us,
        "answered_us": attempt.answered_us,
        "ended_us": attempt.ended_us,
        "sip_status": attempt.sip_status,
        "sip_reason": attempt.sip_reason,
        "q850_cause": attempt.q850_cause,
        "outcome": attempt.outcome,
        "next": attempt.next,
    }


def rate_view(context: Context, attempt: Attempt) -> dict[str, Any]:
    """What carriers charge is the operator's to know."""
    names = ("rate_micros", "rate_first_seconds", "rate_next_seconds")
    return {name: getattr(attempt, name) if context.caller.platform else None for name in names}


def alert_view(alert: Alert) -> dict[str, Any]:
    return {
        "sid": alert.sid,
        "error_code": alert.error_code,
        "log_level": alert.log_level,
        "alert_text": alert.alert_text,
        "generated_us": alert.generated_us,
        "seen": alert.request_variables,
    }
