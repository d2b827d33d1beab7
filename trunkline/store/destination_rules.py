"""Where accounts may call: their own rules beside what is open by default (`trunkline.core.destination`)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from trunkline.store import change_log
from trunkline.store.counting import refuse_more
from trunkline.store.limit_models import DestinationRule


def destination_rules(session: Session, account_sid: str) -> dict[str, bool]:
    """All rules of the account, by scope."""
    rows = session.scalars(select(DestinationRule).where(DestinationRule.account_sid == account_sid))
    return {row.scope: row.allowed for row in rows}


def set_destination_rule(
    session: Session, account_sid: str, scope: str, allowed: bool | None, *, most: int | None = None
) -> None:
    """Allow or forbid a scope; None forgets the rule, so that the default counts again. Raises LimitReached."""
    change_log.lock(session.connection())
    row = session.get(DestinationRule, (account_sid, scope))
    if allowed is None:
        if row is not None:
            session.delete(row)
    elif row is not None:
        row.allowed = allowed
    else:
        refuse_more(session, most, "destination rules of an account", DestinationRule.account_sid == account_sid)
        session.add(DestinationRule(account_sid=account_sid, scope=scope, allowed=allowed))
    session.flush()
