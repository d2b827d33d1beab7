"""/2010-04-01/Accounts/{sid}/Balance.json: what is left of a prepaid account, as decimal text."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from trunkline.api.context import Ctx, shown
from trunkline.api.money import CURRENCY, decimal_text

router = APIRouter(prefix="/2010-04-01/Accounts/{account_sid}/Balance")


@router.get("")
def fetch(context: Ctx) -> Response:
    return shown(
        {
            "account_sid": context.account.sid,
            "balance": decimal_text(context.account.balance_micros),
            "currency": CURRENCY,
        }
    )
