"""/2010-04-01/Accounts: the caller's account and the subaccounts of it; all accounts for the platform account."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import ColumnElement, or_, select, true
from starlette.responses import Response

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.auth import may_act_for, require_platform
from trunkline.api.context import Context, Ctx, created, shown
from trunkline.api.dates import rfc2822
from trunkline.api.fields import Choice, FriendlyName, read_fields
from trunkline.api.owned import found
from trunkline.store.accounts import create_account
from trunkline.store.models import Account

router = APIRouter(prefix="/2010-04-01/Accounts")

STATUS = Choice("Status", "status", ("active", "suspended", "closed"))

_SUBRESOURCES = {
    "balance": "Balance.json",
    "calls": "Calls.json",
    "incoming_phone_numbers": "IncomingPhoneNumbers.json",
    "outgoing_caller_ids": "OutgoingCallerIds.json",
    "credential_lists": "SIP/CredentialLists.json",
    "ip_access_control_lists": "SIP/IpAccessControlLists.json",
}


@router.get("")
def list_(context: Ctx) -> Response:
    query = select(Account).where(_visible(context.caller))
    if name := context.params.get("FriendlyName"):
        query = query.where(Account.friendly_name == name)
    if status := context.params.get("Status"):
        query = query.where(Account.status == STATUS.read(status))
    page = context.page(query, Account.date_created_us, Account.sid)
    return context.v2010_list(page, "accounts", [view(row) for row in page.rows])


@router.post("")
def create(context: Ctx) -> Response:
    require_platform(context.caller)
    values = read_fields((FriendlyName(),), context.params)
    account = create_account(context.session, owner_account_sid=context.caller.sid, **values)
    return created(view(account))


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    return shown(view(visible_account(context, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    account = visible_account(context, sid)
    change_account(context, account, read_fields((FriendlyName(), STATUS), context.params))
    return shown(view(account))


def visible_account(context: Context, sid: str) -> Account:
    account = found(context, Account, sid)
    if not may_act_for(context.caller, account):
        raise not_found(context.path)
    return account


def change_account(context: Context, account: Account, values: dict[str, Any]) -> None:
    """The status of an account is set by the one that owns it: nobody may close the door behind himself."""
    status = values.get("status", account.status)
    if status != account.status and account.sid == context.caller.sid:
        raise ApiError(20006, "An account cannot change its own status; the account that owns it can")
    if account.status == "closed" and status != "closed":
        raise ApiError(20409, f"Account {account.sid} is closed, which cannot be undone")
    for column, value in values.items():
        setattr(account, column, value)
    context.session.flush()


def _visible(caller: Account) -> ColumnElement[bool]:
    if caller.platform:
        return true()
    return or_(Account.sid == caller.sid, Account.owner_account_sid == caller.sid)


def view(account: Account) -> dict[str, Any]:
    uri = f"/2010-04-01/Accounts/{account.sid}"
    return {
        "auth_token": account.auth_token,
        "date_created": rfc2822(account.date_created_us),
        "date_updated": rfc2822(account.date_updated_us),
        "friendly_name": account.friendly_name,
        "owner_account_sid": account.owner_account_sid or account.sid,
        "sid": account.sid,
        "status": account.status,
        "subresource_uris": {name: f"{uri}/{path}" for name, path in _SUBRESOURCES.items()},
        "type": account.type,
        "uri": f"{uri}.json",
    }
