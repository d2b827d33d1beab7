"""The text format of /metrics (Prometheus, version 0.0.4)."""

from __future__ import annotations

from trunkline.api.metrics import Metric, Sample, rendered


def test_the_text_format() -> None:
    text = rendered(
        [
            Metric("a_total", "counter", "Told.", [Sample(3, cause='quote " and \\ and\nline'), Sample(0.25)]),
            Metric("nothing", "gauge", "Left out.", []),
            Metric("h", "histogram", "Delays.", [Sample(1, suffix="_bucket", le="+Inf"), Sample(2, suffix="_count")]),
        ]
    )
    assert text.splitlines() == [
        "# HELP a_total Told.",
        "# TYPE a_total counter",
        'a_total{cause="quote \\" and \\\\ and\\nline"} 3',
        "a_total 0.25",
        "# HELP h Delays.",
        "# TYPE h histogram",
        'h_bucket{le="+Inf"} 1',
        "h_count 2",
    ]
    assert text.endswith("\n")
