"""Accounts: the tenants of the platform."""

from __future__ import annotations

import secrets
import string
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.store import change_log
from trunkline.store.models import Account

TOKEN_CHARACTERS = string.ascii_letters + string.digits
TOKEN_LENGTH = 32


class AccountFields(TypedDict, total=False):
    sid: str
    auth_token: str
    friendly_name: str
    status: str
    type: str
    owner_account_sid: str | None
    platform: bool
    billing: str
    balance_micros: int
    cps_limit: float
    concurrent_calls_limit: int
    daily_spend_cap_micros: int | None
    default_rate_micros: int


def new_auth_token() -> str:
    """32 random characters of A-Z, a-z and 0-9 (190 bits)."""
    return "".join(secrets.choice(TOKEN_CHARACTERS) for _ in range(TOKEN_LENGTH))


def create_account(session: Session, **fields: Unpack[AccountFields]) -> Account:
    """A new account, active and postpaid unless said otherwise, with a SID and a token of its own."""
    fields.setdefault("auth_token", new_auth_token())
    account = Account(**fields)
    session.add(account)
    session.flush()
    return account


def find_account(session: Session, sid: str) -> Account | None:
    return session.get(Account, sid)


def platform_account(session: Session) -> Account:
    """The first account that may manage carriers; made where there is none. In a write transaction."""
    change_log.lock(session.connection())
    oldest = select(Account).where(Account.platform).order_by(Account.date_created_us, Account.sid).limit(1)
    found = session.scalars(oldest).first()
    return found or create_account(session, friendly_name="Platform", platform=True)
