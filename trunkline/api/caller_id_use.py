"""Which caller IDs an account may present, and who still relies on one."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.api.api_error import ApiError
from trunkline.store.models import CallerId, PhoneNumber, Trunk


def is_presentable(session: Session, account_sid: str, number: str) -> bool:
    """A number of the account, or a caller ID that was verified for it."""
    own = select(PhoneNumber.sid).where(PhoneNumber.phone_number == number, PhoneNumber.account_sid == account_sid)
    verified = select(CallerId.sid).where(
        CallerId.phone_number == number, CallerId.account_sid == account_sid, CallerId.verified
    )
    return session.scalar(own) is not None or session.scalar(verified) is not None


def refuse_default_caller_id(session: Session, account_sid: str, number: str) -> None:
    """A number must not go while a trunk puts it in place of foreign caller IDs. Raises ApiError 20409."""
    users = select(Trunk.sid).where(Trunk.account_sid == account_sid, Trunk.default_caller_id == number)
    if trunk_sid := session.scalar(users.order_by(Trunk.sid).limit(1)):
        raise ApiError(20409, f"{number} is the default caller ID of trunk {trunk_sid}; change that first")
