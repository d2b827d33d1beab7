"""Counters of finished calls, and what /metrics makes of them."""

from __future__ import annotations

from trunkline.core.call_counts import CallCounts, answer_seizure_ratios, delay_histogram
from trunkline.core.cdr import AttemptRecord, Cdr


def call(status: str, *, pdd_ms: int | None = None, cause: str | None = None, duration: int | None = None) -> Cdr:
    cdr = Cdr("CA" + "0" * 32, direction="trunking-terminating", status=status, cause=cause)
    cdr.pdd_ms, cdr.duration = pdd_ms, duration
    cdr.attempts[0] = AttemptRecord(cdr.sid, 0, outcome="answered" if status == "completed" else "failed")
    return cdr


def test_calls_are_counted_by_how_they_ended() -> None:
    counts = CallCounts()
    counts.note_ended(
        [call("completed", pdd_ms=120, duration=7), call("busy", pdd_ms=40_000), call("failed", cause="NO_FUNDS")]
    )
    counts.note_ended([call("completed", pdd_ms=100, duration=3)])
    found = counts.as_json()
    assert found["calls"] == [["termination", "busy", 1], ["termination", "completed", 2], ["termination", "failed", 1]]
    assert found["refusals"] == {"NO_FUNDS": 1}
    assert found["attempts"] == [["termination", "answered", 2], ["termination", "failed", 2]]
    assert (found["talk_seconds"], found["delay_seconds"]) == (10, 40.22)
    assert answer_seizure_ratios(found["calls"]) == {"termination": 0.5}
    histogram = dict(delay_histogram(found["delays"]))
    assert (histogram["0.1"], histogram["0.25"], histogram["30.0"], histogram["+Inf"]) == (1, 2, 2, 3)
