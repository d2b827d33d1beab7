"""/trunkline/v1/Trunks/{sid}: what a trunk of ours can be told and the published resource has no field for."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.caller_id_use import is_presentable
from trunkline.api.context import Context, Ctx, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import Choice, E164Number, Flag, WholeNumber, change, read_fields
from trunkline.api.limit_fields import NumberRules, Rate
from trunkline.api.limits import CALL_SECONDS_MOST, CONCURRENT_CALLS_MOST
from trunkline.api.owned import found
from trunkline.store.models import Trunk

router = APIRouter(prefix="/trunkline/v1/Trunks/{sid}")

FIELDS = (
    Choice("CallerIdPolicy", "caller_id_policy", ("reject", "replace")),
    Choice("DigestAlgorithm", "digest_algorithm", ("MD5", "SHA-256")),
    Flag("SymmetricRtpEnabled", "symmetric_rtp_enabled"),
    Rate("CpsLimit", "cps_limit"),
    WholeNumber("ConcurrentCallsLimit", "concurrent_calls_limit", 0, CONCURRENT_CALLS_MOST),
    WholeNumber("MaxCallSeconds", "max_call_seconds", 1, CALL_SECONDS_MOST),
    Flag("EmergencyEnabled", "emergency_enabled"),
    NumberRules("NumberRules", "number_rules"),
    Choice("Registration", "registration", ("refused", "allowed")),
)
DEFAULT_CALLER_ID = E164Number("DefaultCallerId", "default_caller_id", 21211)


@router.get("")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(context, owned_trunk(context, sid)))


@router.post("")
def update(context: Ctx, sid: str) -> Response:
    """The FIELDS, and `DefaultCallerId`: a number that the account may present; empty for none."""
    trunk = owned_trunk(context, sid)
    params = context.params
    params.refuse_unknown([field.name for field in FIELDS] + [DEFAULT_CALLER_ID.name])
    change(trunk, read_fields(FIELDS, params))
    number = params.get(DEFAULT_CALLER_ID.name)
    if number is not None:
        trunk.default_caller_id = _presentable(context, trunk, number) if number else None
    if trunk.caller_id_policy == "replace" and trunk.default_caller_id is None:
        raise ApiError(20422, "CallerIdPolicy replace needs a DefaultCallerId to put in place of foreign caller IDs")
    context.session.flush()
    return shown(view(context, trunk))


def _presentable(context: Context, trunk: Trunk, text: str) -> str:
    number = DEFAULT_CALLER_ID.read(text)
    if not is_presentable(context.session, trunk.account_sid, number):
        raise ApiError(21210, f"{number} is neither a number nor a verified caller ID of the account")
    return number


def owned_trunk(context: Context, sid: str) -> Trunk:
    """The trunk, for its account and for the platform account. Raises ApiError 20404."""
    trunk = found(context, Trunk, sid)
    if trunk.account_sid != context.account.sid and not context.caller.platform:
        raise not_found(context.path)
    return trunk


def view(context: Context, trunk: Trunk) -> dict[str, Any]:
    return {
        "sid": trunk.sid,
        "account_sid": trunk.account_sid,
        "caller_id_policy": trunk.caller_id_policy,
        "default_caller_id": trunk.default_caller_id,
        "digest_algorithm": trunk.digest_algorithm,
        "symmetric_rtp_enabled": trunk.symmetric_rtp_enabled,
        "cps_limit": trunk.cps_limit,
        "concurrent_calls_limit": trunk.concurrent_calls_limit,
        "max_call_seconds": trunk.max_call_seconds,
        "emergency_enabled": trunk.emergency_enabled,
        "number_rules": json.loads(trunk.number_rules),
        "registration": trunk.registration,
        "date_updated": iso8601(trunk.date_updated_us),
        "url": f"{context.base.own}/trunkline/v1/Trunks/{trunk.sid}",
    }
