"""Times as the two API families write them, from and to integer microseconds since 1970 UTC.

The 2010-04-01 family uses RFC 2822 with `+0000`; the v1 family ISO 8601 in whole seconds with `Z`. A fraction of a
second would make the published Python client hand out text instead of a datetime.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def _moment(at_us: int) -> datetime:
    return _EPOCH + timedelta(seconds=at_us // SECOND_US)


def rfc2822(at_us: int | None) -> str | None:
    """`Fri, 18 Oct 2019 17:02:00 +0000`, whole seconds; None stays None."""
    return None if at_us is None else format_datetime(_moment(at_us))


def iso8601(at_us: int | None) -> str | None:
    """`2015-01-02T11:23:45Z`, whole seconds; None stays None."""
    return None if at_us is None else _moment(at_us).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_moment(text: str) -> tuple[int, int]:
    """A date or a date-time → the first microsecond it names and the first one after it.

    `2024-05-01` names a whole day (UTC); `2024-05-01T10:00:00Z` names a second, because that is all that our own
    answers show. Without a zone it is UTC. Raises ValueError for anything else.
    """
    text = text.strip()
    if _DATE.fullmatch(text):
        start, length = datetime.fromisoformat(text).replace(tzinfo=UTC), DAY_US
    elif _DATE_TIME.fullmatch(text):
        parsed = datetime.fromisoformat(text)
        start, length = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC), SECOND_US
    else:
        raise ValueError(f"{text!r} is neither a date (2024-05-01) nor a date-time (2024-05-01T10:00:00Z)")
    start_us = (start - _EPOCH) // timedelta(microseconds=1)
    start_us -= start_us % SECOND_US
    return start_us, start_us + length
