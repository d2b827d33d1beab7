"""What accounts spend in a day, and the flag `accounts.spend_capped` that closes their trunks at the cap.

Each edge's recorder keeps the sum of its own calls (`Spending`), so that nobody adds up a day's calls again and again;
the sums of all edges together are held against the cap. Until carriers have rates, a begun minute (rulings, "Minute
rounding") of a termination call costs the account's default rate.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trunkline.core.decision import TERMINATION
from trunkline.store import change_log
from trunkline.store.database import Database
from trunkline.store.errors import outages_named
from trunkline.store.limit_models import Spending
from trunkline.store.models import Account, Call

DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    """Days since 1970 UTC."""
    return at_us // DAY_US


def minutes_of_day(database: Database, edge: str, day: int) -> dict[str, int]:
    """Begun minutes by account of the termination calls of this edge that ended on `day`: one look at all of them.

    Raises StoreUnavailable.
    """
    query = (
        select(Call.account_sid, func.sum((Call.duration + 59) // 60))
        .where(Call.edge == edge, Call.ended_us >= day * DAY_US, Call.ended_us < (day + 1) * DAY_US)
        .where(Call.direction == TERMINATION, Call.answered_us.is_not(None), Call.account_sid.is_not(None))
        .group_by(Call.account_sid)
    )
    with outages_named(), database.read() as session:
        return {sid: int(minutes or 0) for sid, minutes in session.execute(query) if sid is not None}


def judge_spending(database: Database, edge: str, day: int, minutes: Mapping[str, int]) -> list[str]:
    """Write down what this edge's calls cost so far on `day`, and set or take back the flag of each account whose state
    has changed: these accounts' SIDs. Raises StoreUnavailable.
    """
    with outages_named(), database.read() as session:
        if not minutes and not _to_release(session):
            return []
    with outages_named(), database.write() as session:
        change_log.lock(session.connection())
        accounts = {row.sid: row for row in session.scalars(select(Account).where(Account.sid.in_(minutes)))}
        for sid, account in accounts.items():
            session.merge(Spending(account_sid=sid, day=day, edge=edge, spent_micros=minutes[sid] * _rate(account)))
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


def _rate(account: Account) -> int:
    return account.default_rate_micros


def _to_release(session: Session, besides: Mapping[str, Account] | None = None) -> list[Account]:
    """Accounts at their cap, which a new day or a higher cap may open again."""
    capped = session.scalars(select(Account).where(Account.spend_capped)).all()
    return [account for account in capped if account.sid not in (besides or {})]
