"""The record of the demo's call, as a person reads it."""

from trunkline.node.demo_call import record_lines

FIGURES = {"packets": 100, "lost": 1, "jitter_ms": 0.4, "mos": 4.3, "round_trip_ms": None}
RECORD = {
    "sid": "CA" + "0" * 32,
    "direction": "trunking-terminating",
    "caller": "+15557770100",
    "called": "+15550100000",
    "status": "completed",
    "duration": 2,
    "started_us": 1_764_000_000_000_000,
    "pdd_ms": 12,
    "ended_by": "caller",
    "codec": "PCMU",
    "customer_side": FIGURES,
    "carrier_side": FIGURES | {"packets": None},
    "attempts": [{"n": 0, "uri": "sip:c", "outcome": "answered", "sip_status": 200}],
}


def test_a_completed_call():
    assert record_lines(RECORD) == [
        f"CA{'0' * 32}  trunking-terminating  +15557770100 → +15550100000",
        "completed, 2 s, started 2025-11-24 16:00:00 UTC, post-dial delay 12 ms",
        "ended by caller, codec PCMU",
        "RTP from the customer side: 100 packets, 1 lost, jitter 0.4 ms, estimated MOS 4.3",
        "attempt 1: sip:c answered (200)",
    ]


def test_what_is_unknown_is_said_so():
    lines = record_lines(RECORD | {"duration": None, "pdd_ms": None, "ended_by": None, "codec": None, "attempts": []})
    assert lines[1] == "completed, unknown, started 2025-11-24 16:00:00 UTC, post-dial delay unknown"
    assert lines[2] == "ended by nobody, codec unknown"
