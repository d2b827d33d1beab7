"""/trunkline/v1/Accounts: the operator's view of the tenants: status, billing and balance."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select
from starlette.responses import Response

from trunkline.api.accounts import STATUS, change_account
from trunkline.api.auth import require_platform
from trunkline.api.context import Context, Ctx, created, shown
from trunkline.api.dates import iso8601
from trunkline.api.fields import Choice, FriendlyName, WholeNumber, read_fields
from trunkline.api.limit_fields import OptionalAmount, Rate
from trunkline.api.limits import CONCURRENT_CALLS_MOST
from trunkline.api.money import CURRENCY, Amount, decimal_text
from trunkline.api.owned import found
from trunkline.store.accounts import create_account
from trunkline.store.base import now_us
from trunkline.store.models import Account
from trunkline.store.spending import day_of, spent_on

router = APIRouter(prefix="/trunkline/v1/Accounts")

BILLING = Choice("Billing", "billing", ("postpaid", "prepaid"))
BALANCE = Amount("Balance", "balance_micros")
CREDIT = Amount("Credit", "credit_micros")
LIMITS = (
    Rate("CpsLimit", "cps_limit"),
    WholeNumber("ConcurrentCallsLimit", "concurrent_calls_limit", 0, CONCURRENT_CALLS_MOST),
    OptionalAmount("DailySpendCap", "daily_spend_cap_micros"),
    OptionalAmount("DefaultRate", "default_rate_micros", may_be_empty=False),
)


@router.get("")
def list_(context: Ctx) -> Response:
    require_platform(context.caller)
    page = context.page(select(Account), Account.date_created_us, Account.sid)
    return context.v1_list(page, "accounts", [view(context, row) for row in page.rows], context.base.own)


@router.post("")
def create(context: Ctx) -> Response:
    """`FriendlyName`, `Billing`, `Balance`, and the LIMITS. The answer, and no later one here, holds the auth token."""
    require_platform(context.caller)
    fields = (FriendlyName(), BILLING, BALANCE, *LIMITS)
    context.params.refuse_unknown(field.name for field in fields)
    values = read_fields(fields, context.params)
    account = create_account(context.session, owner_account_sid=context.caller.sid, **values)
    return created(view(context, account) | {"auth_token": account.auth_token})


@router.get("/{sid}")
def fetch(context: Ctx, sid: str) -> Response:
    require_platform(context.caller)
    return shown(view(context, found(context, Account, sid)))


@router.post("/{sid}")
def update(context: Ctx, sid: str) -> Response:
    """`FriendlyName`, `Status`, `Billing`, `Balance` (to set), `Credit` (to add; may be negative), and the LIMITS."""
    require_platform(context.caller)
    fields = (FriendlyName(), STATUS, BILLING, BALANCE, CREDIT, *LIMITS)
    context.params.refuse_unknown(field.name for field in fields)
    values = read_fields(fields, context.params)
    account = found(context, Account, sid)
    credit = values.pop("credit_micros", 0)
    if credit:
        values["balance_micros"] = values.get("balance_micros", account.balance_micros) + credit
    change_account(context, account, values)
    return shown(view(context, account))


def view(context: Context, account: Account) -> dict[str, Any]:
    cap = account.daily_spend_cap_micros
    return {
        "sid": account.sid,
        "friendly_name": account.friendly_name,
        "status": account.status,
        "type": account.type,
        "owner_account_sid": account.owner_account_sid,
        "platform": account.platform,
        "billing": account.billing,
        "balance": decimal_text(account.balance_micros),
        "currency": CURRENCY,
        "cps_limit": account.cps_limit,
        "concurrent_calls_limit": account.concurrent_calls_limit,
        "daily_spend_cap": None if cap is None else decimal_text(cap),
        "default_rate": decimal_text(account.default_rate_micros),
        "spent_today": decimal_text(spent_on(context.session, account.sid, day_of(now_us()))),
        "spend_capped": account.spend_capped,
        "date_created": iso8601(account.date_created_us),
        "date_updated": iso8601(account.date_updated_us),
        "url": f"{context.base.own}/trunkline/v1/Accounts/{account.sid}",
    }
