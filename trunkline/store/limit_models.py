"""What limits calls, as columns of accounts and trunks, and the tables beside them. Conventions: `models.py`.

Every default is generous: nothing is reserved and nothing has to be bought (rulings). The database knows the defaults,
too: they are what rows from before a migration got.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, false
from sqlalchemy.orm import Mapped, mapped_column

from trunkline.store.base import Base, BigInt

CPS_LIMIT = 1000.0
CONCURRENT_CALLS_LIMIT = 20_000
MAX_CALL_SECONDS = 86_400
DAILY_SPEND_CAP_MICROS = 10_000_000_000
DEFAULT_RATE_MICROS = 10_000


class AccountLimits:
    """Columns of `accounts`."""

    cps_limit: Mapped[float] = mapped_column(default=CPS_LIMIT, server_default="1000")
    """Calls that may begin per second, over all trunks."""
    concurrent_calls_limit: Mapped[int] = mapped_column(default=CONCURRENT_CALLS_LIMIT, server_default="20000")
    daily_spend_cap_micros: Mapped[int | None] = mapped_column(
        BigInt, default=DAILY_SPEND_CAP_MICROS, server_default="10000000000"
    )
    """Millionths of the currency unit per day (UTC); None: no cap."""
    default_rate_micros: Mapped[int] = mapped_column(BigInt, default=DEFAULT_RATE_MICROS, server_default="10000")
    """Per minute of a termination call of which nothing better is known."""
    spend_capped: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The cap of the day is reached (`store/spending.py`)."""


class TrunkLimits:
    """Columns of `trunks`."""

    cps_limit: Mapped[float] = mapped_column(default=CPS_LIMIT, server_default="1000")
    """Calls that may begin per second."""
    concurrent_calls_limit: Mapped[int] = mapped_column(default=CONCURRENT_CALLS_LIMIT, server_default="20000")
    max_call_seconds: Mapped[int] = mapped_column(default=MAX_CALL_SECONDS, server_default="86400")
    emergency_enabled: Mapped[bool] = mapped_column(default=False, server_default=false())
    number_rules: Mapped[str] = mapped_column(default="[]", server_default="[]")
    """JSON: see `trunkline.core.number_rules`."""
    registration: Mapped[str] = mapped_column(default="refused", server_default="refused")
    """`refused` or `allowed`: whether a PBX may say by REGISTER where it is."""


class DestinationRule(Base):
    """Whether an account may call a range of numbers: see `trunkline.core.destination`."""

    __tablename__ = "destination_rules"

    account_sid: Mapped[str] = mapped_column(ForeignKey("accounts.sid"), primary_key=True)
    scope: Mapped[str] = mapped_column(primary_key=True)
    """`+4930`, `low:DE`, `special:DE`, `tollfraud:DE`."""
    allowed: Mapped[bool]


class Spending(Base):
    """What the termination calls of an account cost on one day, as one edge's recorder has added it up."""

    __tablename__ = "spendings"

    account_sid: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Days since 1970 UTC."""
    edge: Mapped[str] = mapped_column(primary_key=True)
    spent_micros: Mapped[int] = mapped_column(BigInt, default=0)
