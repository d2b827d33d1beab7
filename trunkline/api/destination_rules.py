"""/trunkline/v1/Accounts/{account_sid}/DestinationRules: what an account may call.

The published DialingPermissions (`dialing_permissions.py`) set the same rules, by country alone.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from trunkline.api.api_error import ApiError
from trunkline.api.context import Context, Ctx, shown
from trunkline.api.fields import Flag, quoted
from trunkline.api.limits import DESTINATION_RULES_PER_ACCOUNT
from trunkline.core.destination import destination, is_open, is_scope
from trunkline.core.e164 import is_e164
from trunkline.store.destination_rules import destination_rules, set_destination_rule

router = APIRouter(prefix="/trunkline/v1/Accounts/{account_sid}/DestinationRules")

ALLOWED = Flag("Allowed", "allowed")


@router.get("")
def fetch(context: Ctx) -> Response:
    """All rules; with `To=<+E.164>` also whether that number may be called, and where it leads."""
    return shown(view(context))


@router.post("")
def update(context: Ctx) -> Response:
    """`Scope` (`+4930`, `low:DE`, `special:DE`, `tollfraud:DE`) and `Allowed` (empty: the default)."""
    params = context.params
    params.refuse_unknown(("Scope", "Allowed"))
    scope = _scope(params.required("Scope"))
    text = params.get("Allowed")
    allowed = ALLOWED.read(text) if text else None
    set_destination_rule(context.session, context.account.sid, scope, allowed, most=DESTINATION_RULES_PER_ACCOUNT)
    return shown(view(context))


def _scope(text: str) -> str:
    scope = "+" + text[1:] if text.startswith(" ") else text  # a plus sign that was not escaped
    if not is_scope(scope):
        raise ApiError(
            20422, f"Scope must be a +prefix, low:DE, special:DE or tollfraud:DE (ISO country), not {quoted(text)}"
        )
    return scope


def view(context: Context) -> dict[str, Any]:
    account_sid = context.account.sid
    rules = destination_rules(context.session, account_sid)
    shown_rules = [{"scope": scope, "allowed": allowed} for scope, allowed in sorted(rules.items())]
    url = f"{context.base.own}/trunkline/v1/Accounts/{account_sid}/DestinationRules"
    answer: dict[str, Any] = {"account_sid": account_sid, "rules": shown_rules, "url": url}
    asked = context.params.get("To") if context.request.method == "GET" else None
    if asked:
        number = "+" + asked[1:] if asked.startswith(" ") else asked
        if not is_e164(number):
            raise ApiError(21211, f"To must be in E.164, such as +15550100123, not {quoted(asked)}")
        where = destination(number)
        answer["to"] = {
            "number": number,
            "iso_code": where.iso,
            "kind": where.kind,
            "name": where.name,
            "allowed": is_open(where, number, rules),
        }
    return answer
