"""Whether a carrier target is there: down after so many OPTIONS in a row without an answer, back with the first answer.

Any final answer says that somebody is there (RFC 3261 section 11.2), also 404, 405 or 403; but for 503, by which an
element says that it takes nothing now, and for what our own edge says where none came: 408, 477, 478.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["unknown", "up", "down"]
NO_ANSWER = frozenset((408, 477, 478, 503))


@dataclass(slots=True)
class TargetHealth:
    """One target. Times are Unix seconds."""

    state: State = "unknown"
    since: float = 0.0
    misses: int = 0
    """In a row."""
    answer: str = ""
    """The last one, `200 OK`."""

    def note(self, status: int, reason: str, misses_allowed: int, now: float) -> State | None:
        """An OPTIONS has its final answer. The new state, where it is another one that somebody should hear of."""
        self.answer = f"{status} {reason}".strip()
        if status not in NO_ANSWER:
            self.misses = 0
            return self._become("up", now)
        self.misses += 1
        return self._become("down", now) if self.misses >= misses_allowed else None

    def _become(self, state: State, now: float) -> State | None:
        if self.state == state:
            return None
        news = state == "down" or self.state == "down"
        self.state, self.since = state, now
        return state if news else None
