"""A carrier that asks not to be called for a while: 503 with Retry-After (RFC 3261 section 21.5.4).

Of 503 alone: in 404, 413, 480, 486, 500, 600 and 603 it speaks of the callee or of the one request, and other calls may
go there (section 20.33).
"""

from __future__ import annotations

import re

from trunkline.core.failover import Failure

LONGEST_REST = 300
"""Seconds. A carrier that says an hour, by mistake or at its own restart, is asked again after five minutes."""
_SECONDS = re.compile(r"\s*([0-9]{1,10})\s*(?:[;(].*)?", re.DOTALL)


def rest_seconds(failure: Failure, retry_after: str | None) -> int:
    """For how long calls should go elsewhere; 0: it has not asked for that. `retry_after`: the header's value."""
    if failure.status != 503 or failure.local or failure.canceled or not retry_after:
        return 0
    found = _SECONDS.fullmatch(retry_after)
    return min(int(found.group(1)), LONGEST_REST) if found else 0
