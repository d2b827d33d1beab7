"""Counters of finished calls, as Prometheus wants them: they only grow, from the start of the program that counts.

The recorder counts (it sees each call's end once) and writes them to a file; `/metrics` shows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from trunkline.core.call_alerts import AlertRecord
from trunkline.core.cdr import Cdr

RECORDER_FILE = "recorder-counts.json"
"""In the run folder: what the recorder counts, written by it once a second."""
DELAY_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0)
"""Upper ends of the post-dial delay's buckets, in seconds."""
DIRECTIONS = {"trunking-terminating": "termination", "trunking-originating": "origination"}


class CallCounts:
    """One recorder's counters."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        """(direction, status)"""
        self.refusals: Counter[str] = Counter()
        """Cause."""
        self.attempts: Counter[tuple[str, str]] = Counter()
        """(direction, outcome)"""
        self.alerts: Counter[str] = Counter()
        """Code."""
        self.bans: Counter[str] = Counter()
        """Offence."""
        self.delays: Counter[str] = Counter()
        """Bucket's upper end, `+Inf` for the rest: not cumulative."""
        self.delay_seconds = 0.0
        self.talk_seconds = 0

    def note_ended(self, calls: Iterable[Cdr]) -> None:
        """These calls are over and stored."""
        for cdr in calls:
            direction = DIRECTIONS.get(cdr.direction, "unknown")
            self.calls[direction, cdr.status] += 1
            if cdr.cause is not None:
                self.refusals[cdr.cause] += 1
            for attempt in cdr.attempts.values():
                self.attempts[direction, attempt.outcome] += 1
            self.talk_seconds += cdr.duration or 0
            if cdr.pdd_ms is not None:
                seconds = cdr.pdd_ms / 1000
                self.delay_seconds += seconds
                self.delays[next((str(end) for end in DELAY_BUCKETS if seconds <= end), "+Inf")] += 1

    def note_alerts(self, alerts: Iterable[AlertRecord]) -> None:
        for alert in alerts:
            self.alerts[str(alert.error_code)] += 1
            if alert.request_variables.get("cause") == "SOURCE_BANNED":
                self.bans[str(alert.request_variables.get("offence"))] += 1

    def as_json(self) -> dict[str, Any]:
        """For the file; `metrics_of` reads it."""
        return {
            "calls": [[*key, count] for key, count in sorted(self.calls.items())],
            "refusals": dict(sorted(self.refusals.items())),
            "attempts": [[*key, count] for key, count in sorted(self.attempts.items())],
            "alerts": dict(sorted(self.alerts.items())),
            "bans": dict(sorted(self.bans.items())),
            "delays": dict(self.delays),
            "delay_seconds": round(self.delay_seconds, 3),
            "talk_seconds": self.talk_seconds,
        }


def answer_seizure_ratios(calls: Iterable[Iterable[Any]]) -> dict[str, float]:
    """Answered calls over all calls that were sent on or ended, by direction; from `as_json()["calls"]`."""
    answered: Counter[str] = Counter()
    seized: Counter[str] = Counter()
    for direction, status, count in calls:
        seized[direction] += count
        if status == "completed":
            answered[direction] += count
    return {direction: answered[direction] / count for direction, count in seized.items() if count}


def delay_histogram(delays: Mapping[str, int]) -> list[tuple[str, int]]:
    """Cumulative buckets: (upper end, how many were at most that), `+Inf` last."""
    total = 0
    rows = []
    for end in (*map(str, DELAY_BUCKETS), "+Inf"):
        total += delays.get(end, 0)
        rows.append((end, total))
    return rows
