"""/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers: the numbers of an account.

There is no stock to buy from: a number that a carrier gave to the operator is declared with PhoneNumber=+…. Since a
number is also a caller ID that nobody verifies, only an account that belongs to no other (the operator's own) may
declare one, for itself or for a subaccount; a subaccount uses and routes what it was given.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, false, select
from starlette.responses import Response

from trunkline.api.api_error import ApiError
from trunkline.api.auth import addressed_account, is_top_level
from trunkline.api.caller_id_use import refuse_default_caller_id
from trunkline.api.context import Context, Ctx, created, deleted, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import Choice, E164Number, Flag, FriendlyName, change, read_fields
from trunkline.api.number_options import OPTIONS, options_of, shared_view
from trunkline.api.owned import owned, referred
from trunkline.store.models import PhoneNumber, Trunk
from trunkline.store.phone_numbers import add_phone_number, attach_to_trunk

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers")

EMERGENCY = Choice("EmergencyStatus", "emergency_status", ("Active", "Inactive"))
"""Read and not kept: without emergency addresses every number is inactive, and the vendor ignores it too."""


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(PhoneNumber).where(PhoneNumber.account_sid == context.account.sid, *_filters(context))
    page = context.page(query, PhoneNumber.date_created_us, PhoneNumber.sid)
    return context.v2010_list(page, "incoming_phone_numbers", [view(row) for row in page.rows])


@router.post("")
def create(context: Ctx) -> Response:
    params = context.params
    if not is_top_level(context.caller):
        raise ApiError(20006, "A subaccount cannot declare numbers; the account that owns it can, for this account")
    if not params.get("PhoneNumber"):
        reason = "this server has no numbers to choose from" if params.get("AreaCode") else "no number was named"
        raise ApiError(21452, f"Declare the number that your carrier gave you with PhoneNumber=+…: {reason}")
    values = read_fields((E164Number("PhoneNumber", "phone_number"), FriendlyName(), EMERGENCY), params)
    row = add_phone_number(
        context.session,
        context.account.sid,
        values["phone_number"],
        friendly_name=values.get("friendly_name"),
        trunk=_trunk(context, context.account.sid),
        options=read_fields(OPTIONS, params),
    )
    return created(view(row))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(owned(context, PhoneNumber, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    """TrunkSid attaches, an empty one detaches; AccountSid hands the number to another account that one may act for."""
    row = owned(context, PhoneNumber, sid)
    params = context.params
    change(row, {k: v for k, v in read_fields((FriendlyName(), EMERGENCY), params).items() if k == "friendly_name"})
    row.options.update(read_fields(OPTIONS, params))
    if new_owner := params.get("AccountSid"):
        _hand_over(context, row, new_owner)
    if params.get("TrunkSid") is not None:
        attach_to_trunk(row, _trunk(context, row.account_sid))
    context.session.flush()
    return shown(view(row))


@router.delete("/{sid}")
def delete(context: Ctx, sid: str) -> Response:
    row = owned(context, PhoneNumber, sid)
    refuse_default_caller_id(context.session, row.account_sid, row.phone_number)
    context.session.delete(row)
    return deleted()


def _hand_over(context: Context, row: PhoneNumber, account_sid: str) -> None:
    to = addressed_account(context.session, context.caller, account_sid)
    if to.sid != row.account_sid:
        refuse_default_caller_id(context.session, row.account_sid, row.phone_number)
        attach_to_trunk(row, None)
        row.account_sid = to.sid


def _trunk(context: Context, account_sid: str) -> Trunk | None:
    sid = context.params.get("TrunkSid")
    if not sid:
        return None
    return referred(context, Trunk, sid, "TrunkSid", account_sid)


def _filters(context: Context) -> list[ColumnElement[bool]]:
    """PhoneNumber is a whole number or a part of one, in which `*` stands for any digit."""
    params = context.params
    conditions: list[ColumnElement[bool]] = []
    if pattern := params.get("PhoneNumber"):
        conditions.append(_matching(context, "+" + pattern[1:] if pattern.startswith(" ") else pattern))
    if name := params.get("FriendlyName"):
        conditions.append(PhoneNumber.friendly_name == name)
    if (beta := params.get("Beta")) and Flag("Beta", "beta").read(beta):
        conditions.append(false())
    if (origin := params.get("Origin")) and Choice("Origin", "origin", ("twilio", "hosted")).read(origin) != "hosted":
        conditions.append(false())
    return conditions


def _matching(context: Context, pattern: str) -> ColumnElement[bool]:
    """A whole number is looked up in its index; only a part of one has to be looked for in all of them."""
    whole = PhoneNumber.phone_number == pattern
    if context.session.scalar(select(PhoneNumber.sid).where(whole)) is not None:
        return whole
    literal = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "_")
    return PhoneNumber.phone_number.like(f"%{literal}%", escape="\\")


def view(row: PhoneNumber) -> dict[str, Any]:
    options = options_of(row)
    return shared_view(row) | {
        "address_sid": options["address_sid"],
        "date_created": rfc2822(row.date_created_us),
        "date_updated": rfc2822(row.date_updated_us),
        "identity_sid": options["identity_sid"],
        "origin": "hosted",
        "uri": f"/2010-04-01/Accounts/{row.account_sid}/IncomingPhoneNumbers/{row.sid}.json",
        "voice_receive_mode": options["voice_receive_mode"],
        "emergency_status": "Inactive",
        "emergency_address_sid": None,
        "emergency_address_status": "unregistered",
        "bundle_sid": options["bundle_sid"],
        "status": "in-use",
        "type": None,
    }
