"""/v1/Alerts (monitor): what there is to say about calls; the platform account also sees those of no account."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, or_, select
from starlette.responses import Response

from trunkline.api.api_error import not_found
from trunkline.api.context import Context, Ctx, shown
from trunkline.api.dates import DAY_US, iso8601
from trunkline.api.fields import Choice
from trunkline.api.limits import ALERTS_DAYS_BACK
from trunkline.api.owned import found
from trunkline.api.periods import moment
from trunkline.store.models import Alert, now_us

router = APIRouter(prefix="/v1/Alerts")

LOG_LEVELS = ("error", "warning", "notice", "debug")


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(Alert).where(_visible(context), *_filters(context))
    page = context.page(query, Alert.generated_us, Alert.sid)
    views = [view(context, alert) for alert in page.rows]
    return context.v1_list(page, "alerts", views, context.base.of("monitor"))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    alert = found(context, Alert, sid)
    if alert.account_sid != context.account.sid and not (context.caller.platform and alert.account_sid is None):
        raise not_found(context.path)
    # What the platform saw is shown where the vendor shows the variables of a web request.
    seen = {
        "request_variables": json.dumps(alert.request_variables, sort_keys=True),
        "request_headers": None,
        "response_headers": None,
        "response_body": None,
    }
    return shown(view(context, alert) | seen)


def _visible(context: Context) -> ColumnElement[bool]:
    own = Alert.account_sid == context.account.sid
    return or_(own, Alert.account_sid.is_(None)) if context.caller.platform else own


def _filters(context: Context) -> list[ColumnElement[bool]]:
    params = context.params
    conditions: list[ColumnElement[bool]] = []
    if level := params.get("LogLevel"):
        conditions.append(Alert.log_level == Choice("LogLevel", "log_level", LOG_LEVELS).read(level))
    start = moment(params, "StartDate")
    conditions.append(Alert.generated_us >= (start[0] if start else now_us() - ALERTS_DAYS_BACK * DAY_US))
    if end := moment(params, "EndDate"):
        conditions.append(Alert.generated_us < end[1])
    return conditions


def view(context: Context, alert: Alert) -> dict[str, Any]:
    return {
        "account_sid": alert.account_sid,
        "alert_text": alert.alert_text,
        "api_version": "2010-04-01",
        "date_created": iso8601(alert.date_created_us),
        "date_generated": iso8601(alert.generated_us),
        "date_updated": iso8601(alert.date_updated_us),
        "error_code": str(alert.error_code),
        "log_level": alert.log_level,
        "more_info": f"{context.base.own}/docs/errors/{alert.error_code}",
        "request_method": None,
        "request_url": None,
        "resource_sid": alert.resource_sid,
        "sid": alert.sid,
        "url": f"{context.base.of('monitor')}/v1/Alerts/{alert.sid}",
        "service_sid": alert.service_sid,
    }
