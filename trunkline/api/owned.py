"""Finding one row by its SID, and only if it is the account's: what is somebody else's does not exist."""

from __future__ import annotations

from typing import TypeVar

from trunkline.api.api_error import ApiError, not_found
from trunkline.api.context import Context
from trunkline.core.sid import SID
from trunkline.store.models import Base

Row = TypeVar("Row", bound=Base)


def found(context: Context, model: type[Row], sid: str) -> Row:
    """The row whoever it belongs to, for what is the operator's. Raises ApiError 20404 naming the requested path."""
    row = context.session.get(model, sid) if SID.fullmatch(sid) else None
    if row is None:
        raise not_found(context.path)
    return row


def owned(context: Context, model: type[Row], sid: str) -> Row:
    """The account's own row. Raises ApiError 20404 naming the requested path."""
    row = found(context, model, sid)
    if getattr(row, "account_sid", None) != context.account.sid:
        raise not_found(context.path)
    return row


def referred(context: Context, model: type[Row], sid: str, parameter: str, account_sid: str | None = None) -> Row:
    """The row that a parameter names, if it is the account's. Raises ApiError 20404 naming the parameter."""
    row = context.session.get(model, sid) if SID.fullmatch(sid) else None
    if row is None or getattr(row, "account_sid", None) != (account_sid or context.account.sid):
        raise ApiError(20404, f"{parameter}: the account has no such resource")
    return row
