"""Who asks, and for which account.

HTTP Basic: the account SID is the user name, its auth token the password. The 2010-04-01 paths name an account: it must
be the caller's own, a subaccount of it, or, for the platform account, any. The v1 paths act on the caller's own.
"""

from __future__ import annotations

import base64
import hmac

from sqlalchemy.orm import Session

from trunkline.api.api_error import ApiError
from trunkline.core.sid import is_sid
from trunkline.store.models import Account

_NO_TOKEN = "0" * 32


def basic_credentials(header: str) -> tuple[str, str] | None:
    """`Basic QUM…` → (user name, password); None for any other or broken header."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except ValueError:  # no base64, no ASCII, no UTF-8
        return None
    username, colon, password = text.partition(":")
    return (username, password) if colon else None


def authenticate(session: Session, header: str) -> Account:
    """The account that the Authorization header proves. Raises ApiError 20003 (401) or 20005 (403).

    An unknown SID costs a comparison too, and the answer is the same, so neither time nor text tells which it was.
    """
    username, password = basic_credentials(header) or ("", "")
    account = session.get(Account, username) if is_sid(username, "AC") else None
    token = account.auth_token if account is not None else _NO_TOKEN
    proven = hmac.compare_digest(token.encode(), password.encode())
    if account is None or not proven:
        raise ApiError(20003, "Authenticate")
    return _active(account)


def active_account(session: Session, account_sid: str) -> Account:
    """The account of a caller who has been authenticated a moment ago. Raises ApiError 20003 or 20005."""
    account = session.get(Account, account_sid)
    if account is None:
        raise ApiError(20003, "Authenticate")
    return _active(account)


def _active(account: Account) -> Account:
    if account.status != "active":
        raise ApiError(20005, f"Account {account.sid} is {account.status}")
    return account


def may_act_for(caller: Account, account: Account) -> bool:
    return caller.platform or caller.sid in (account.sid, account.owner_account_sid)


def addressed_account(session: Session, caller: Account, account_sid: str) -> Account:
    """The account that a path names. Raises ApiError 20006, whether it does not exist or is somebody else's."""
    account = session.get(Account, account_sid) if is_sid(account_sid, "AC") else None
    if account is None or not may_act_for(caller, account):
        raise ApiError(20006, f"Account {caller.sid} has no access to this account")
    return account


def is_top_level(account: Account) -> bool:
    """Belongs to no other account: made by the operator on the machine itself, not through the API."""
    return account.owner_account_sid in (None, account.sid)


def require_platform(caller: Account) -> None:
    """For what belongs to the operator: carriers, accounts, verified caller IDs."""
    if not caller.platform:
        raise ApiError(20006, "Only the platform account (the operator's) may do this")
