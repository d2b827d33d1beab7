"""How many calls may begin and be up: the sums of a token bucket, and what is asked of whoever counts.

A bucket of one second: `cps` calls may come at once, and then `cps` per second (at least one call fits always). It is
kept as one number, the time at which it will be full again (the virtual scheduling form of the leaky bucket of ITU-T
I.371), so it takes one comparison and survives whatever happens to the process that asks.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

BURST_SECONDS = 1.0


class CallLimits(NamedTuple):
    """Of one call that is about to go out."""

    trunk_sid: str
    account_sid: str
    trunk_cps: float
    account_cps: float
    """0: this call takes no part in the rate (origination)."""
    trunk_calls: int
    account_calls: int
    longest: int
    """Seconds after which the call is certainly over."""
    always: bool = False
    """Counted and never refused: an emergency call."""


Exceeded = Literal["trunk_cps", "account_cps", "trunk_calls", "account_calls"]


class Counter(Protocol):
    """Counts calls over all workers. Every question is answered as a whole before the next one is."""

    def begin(self, call_sid: str, limits: CallLimits, now: float) -> Exceeded | None:
        """Count this call; or the limit that forbids it, and then nothing is counted. `now`: Unix seconds."""

    def place_at(
        self, call_sid: str, carrier_sid: str | None, cps: float | None, calls: int | None, now: float
    ) -> bool:
        """A call that was begun goes to this carrier now, and no longer to the one before; None: to one that is not
        counted. False: the carrier is full, and nothing has changed. `cps`, `calls`: None is no limit.
        """

    def end(self, call_sid: str) -> None:
        """The call is over. Harmless when it is not counted (any more)."""


def after_one_more(full_at: float, cps: float, now: float) -> float | None:
    """`full_at` of a bucket from which one call was taken; None when it is empty. `full_at` is 0.0 for a new one."""
    cost = 1.0 / cps
    longest = now + (BURST_SECONDS if cps * BURST_SECONDS > 1.0 else cost) + _ROUNDING
    # A clock that was set back must not close the trunk until it is there again.
    filled = (full_at if now < full_at <= longest else now) + cost
    return filled if filled <= longest else None


_ROUNDING = 1e-5
"""Seconds: Unix times have seven digits behind the point."""
