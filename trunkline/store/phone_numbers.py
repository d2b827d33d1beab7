"""Numbers: those that the platform has from its carriers, and other people's that an account may present."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.core.e164 import is_e164
from trunkline.store import change_log
from trunkline.store.errors import DuplicateNumber, NotTheAccounts, NumberInvalid
from trunkline.store.models import CallerId, PhoneNumber, Trunk


def add_phone_number(
    session: Session,
    account_sid: str,
    phone_number: str,
    *,
    friendly_name: str | None = None,
    trunk: Trunk | None = None,
    options: Mapping[str, Any] | None = None,
) -> PhoneNumber:
    """A number for the account, on `trunk` if one is given; named after itself unless said otherwise.

    Raises NumberInvalid, DuplicateNumber (somebody on this platform has it), NotTheAccounts.
    """
    _refuse_malformed(phone_number)
    change_log.lock(session.connection())
    if session.scalar(select(PhoneNumber.sid).where(PhoneNumber.phone_number == phone_number)) is not None:
        raise DuplicateNumber(f"the number {phone_number} is on this platform already")
    number = PhoneNumber(
        account_sid=account_sid,
        phone_number=phone_number,
        friendly_name=phone_number if friendly_name is None else friendly_name,
        options=dict(options or {}),
    )
    attach_to_trunk(number, trunk)
    session.add(number)
    session.flush()
    return number


def attach_to_trunk(number: PhoneNumber, trunk: Trunk | None) -> None:
    """Send origination calls to the number to `trunk`; None detaches it. Raises NotTheAccounts."""
    if trunk is not None and trunk.account_sid != number.account_sid:
        raise NotTheAccounts(f"the number {number.phone_number} belongs to another account than {trunk.sid}")
    number.trunk = trunk


def add_caller_id(
    session: Session, account_sid: str, phone_number: str, *, friendly_name: str | None = None, verified: bool = False
) -> CallerId:
    """A number that the account may present once it is verified. Raises NumberInvalid, DuplicateNumber."""
    _refuse_malformed(phone_number)
    change_log.lock(session.connection())
    same = select(CallerId.sid).where(CallerId.account_sid == account_sid, CallerId.phone_number == phone_number)
    if session.scalar(same) is not None:
        raise DuplicateNumber(f"the account has the caller ID {phone_number} already")
    caller_id = CallerId(
        account_sid=account_sid,
        phone_number=phone_number,
        friendly_name=phone_number if friendly_name is None else friendly_name,
        verified=verified,
    )
    session.add(caller_id)
    session.flush()
    return caller_id


def _refuse_malformed(phone_number: str) -> None:
    if not is_e164(phone_number):
        raise NumberInvalid(f"{phone_number!r} is not in E.164: write + and the digits, country code first")
