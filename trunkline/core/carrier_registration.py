"""Our registration with a carrier (RFC 3261 section 10): what to do after each answer, and when to ask again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

RETRY_SECONDS = 30.0
"""After a failure."""
REFRESH_AT = 0.75
"""Of what the registrar has granted."""
LEAST_SECONDS = 5.0
_EXPIRES = re.compile(r";\s*expires\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

State = Literal["trying", "registered", "failed"]
Step = Literal["authorize", "wait"]


@dataclass(slots=True)
class Registration:
    """One carrier's. Times are Unix seconds."""

    expires: int
    """Seconds that we ask for."""
    state: State = "trying"
    since: float = 0.0
    until: float = 0.0
    """How long the registrar keeps us, where it does."""
    next_at: float = 0.0
    """When the next REGISTER is due."""
    answer: str = ""
    """The last one, `200 OK`."""
    cseq: int = 0
    authorized: bool = field(default=False)
    """The request that waits for its answer had credentials."""

    def note(self, status: int, reason: str, granted: int | None, least: int | None, now: float) -> Step:
        """A REGISTER has its final answer. `granted`: seconds; `least`: Min-Expires."""
        self.answer = f"{status} {reason}".strip()
        if status in (401, 407) and not self.authorized:
            return "authorize"
        if status == 423 and least is not None and least > self.expires:
            self.expires = least
            self.next_at = now
            return "wait"
        if 200 <= status < 300:
            seconds = self.expires if granted is None else granted
            self._become("registered", now)
            self.until, self.next_at = now + seconds, now + max(LEAST_SECONDS, seconds * REFRESH_AT)
        else:
            self.failed(self.answer, now)
        return "wait"

    def failed(self, why: str, now: float) -> None:
        """As long as the registrar keeps us, we are registered all the same."""
        self.answer = why
        self.next_at = now + RETRY_SECONDS
        if self.state != "registered" or now >= self.until or not why.startswith(("408", "5")):
            self._become("failed", now)

    def _become(self, state: State, now: float) -> None:
        if state != self.state:
            self.state, self.since = state, now


def granted_seconds(contacts: list[str], ours: str, expires: str) -> int | None:
    """What a 200 grants us: `expires` of our own Contact (RFC 3261 section 10.3, step 8), else the Expires header.

    `ours`: user part of our Contact.
    """
    for value in contacts:
        if f"sip:{ours}@" in value:
            found = _EXPIRES.search(value)
            if found:
                return int(found.group(1))
    return int(expires) if expires.isdecimal() else None
