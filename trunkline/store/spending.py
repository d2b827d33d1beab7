"""What accounts spend in a day, and the flag `accounts.spend_capped` that closes their trunks at the cap.

Each edge's recorder keeps the sum of its own calls (`Spending`), so that nobody adds up a day's calls again and again;
the sums of all edges together are held against the cap. A termination call costs what its carrier's rate says
(`calls.price_micros`), and where the carrier has none, each begun minute (rulings, "Minute rounding") the account's
default rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from trunkline.core.decision import TERMINATION
from trunkline.store import change_log
from trunkline.store.database import Database
from trunkline.store.errors import outages_named
from trunkline.store.limit_models import Spending
from trunkline.store.models import Account, Attempt, Call

DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    """Days since 1970 UTC."""
    return at_us // DAY_US


class Usage(NamedTuple):
    """What an account has used of one day."""

    minutes: int = 0
    """Begun ones of calls whose carrier has no rate for them."""
    micros: int = 0
    """Cost of the others."""

    def and_also(self, other: Usage) -> Usage:
        return Usage(self.minutes + other.minutes, self.micros + other.micros)

    def plus(self, duration: int, price_micros: int | None) -> Usage:
        """With one more call. `duration`: seconds."""
        if price_micros is None:
            return Usage(self.minutes + (duration + 59) // 60, self.micros)
        return Usage(self.minutes, self.micros + price_micros)


def usage_of_day(database: Database, edge: str, day: int) -> dict[str, Usage]:
    """By account, of the termination calls of this edge that ended on `day`: one look at all of them.

    Raises StoreUnavailable.
    """
    unpriced = case((Call.price_micros.is_(None), (Call.duration + 59) // 60), else_=0)
    query = (
        select(Call.account_sid, func.sum(unpriced), func.sum(Call.price_micros))
        .where(Call.edge == edge, Call.ended_us >= day * DAY_US, Call.ended_us < (day + 1) * DAY_US)
        .where(Call.direction == TERMINATION, Call.answered_us.is_not(None), Call.account_sid.is_not(None))
        .group_by(Call.account_sid)
    )
    with outages_named(), database.read() as session:
        rows = session.execute(query).all()
    return {sid: Usage(int(minutes or 0), int(micros or 0)) for sid, minutes, micros in rows if sid is not None}


def usage_of_running(database: Database, edge: str, now_us: int) -> dict[str, Usage]:
    """By account, what the termination calls of this edge that are up have used so far: a stolen password makes calls
    that last. Of a rate the step that has begun is not counted yet. Raises StoreUnavailable.
    """
    seconds = (now_us - Call.answered_us) // 1_000_000
    billed = case((seconds < Attempt.rate_first_seconds, Attempt.rate_first_seconds), else_=seconds)
    query = (
        select(
            Call.account_sid,
            func.sum(case((Attempt.rate_micros.is_(None), (seconds + 59) // 60), else_=0)),
            func.sum(Attempt.rate_micros * billed // 60),
        )
        .outerjoin(Attempt, (Attempt.call_sid == Call.sid) & (Attempt.outcome == "answered"))
        .where(Call.edge == edge, Call.ended_us.is_(None), Call.answered_us < now_us)
        .where(Call.direction == TERMINATION, Call.account_sid.is_not(None))
        .group_by(Call.account_sid)
    )
    with outages_named(), database.read() as session:
        rows = session.execute(query).all()
    return {sid: Usage(int(minutes or 0), int(micros or 0)) for sid, minutes, micros in rows if sid is not None}


def judge_spending(database: Database, edge: str, day: int, used: Mapping[str, Usage]) -> list[str]:
    """Write down what this edge's calls cost so far on `day`, and set or take back the flag of each account whose state
    has changed: these accounts' SIDs. Raises StoreUnavailable.
    """
    with outages_named(), database.read() as session:
        if not used and not _to_release(session):
            return []
    with outages_named(), database.write() as session:
        change_log.lock(session.connection())
        accounts = {row.sid: row for row in session.scalars(select(Account).where(Account.sid.in_(used)))}
        for sid, account in accounts.items():
            spent = used[sid].micros + used[sid].minutes * account.default_rate_micros
            session.merge(Spending(account_sid=sid, day=day, edge=edge, spent_micros=spent))
        session.flush()
        changed = []
        for account in [*accounts.values(), *_to_release(session, besides=accounts)]:
            cap = account.daily_spend_cap_micros
            capped = cap is not None and spent_on(session, account.sid, day) >= cap
            if capped != account.spend_capped:
                account.spend_capped = capped
                changed.append(account.sid)
        return changed


def spent_on(session: Session, account_sid: str, day: int) -> int:
    """Millionths of the currency unit, over all edges."""
    query = select(func.sum(Spending.spent_micros)).where(Spending.account_sid == account_sid, Spending.day == day)
    return int(session.scalar(query) or 0)


def _to_release(session: Session, besides: Mapping[str, Account] | None = None) -> list[Account]:
    """Accounts at their cap, which a new day or a higher cap may open again."""
    capped = session.scalars(select(Account).where(Account.spend_capped)).all()
    return [account for account in capped if account.sid not in (besides or {})]
