"""What Asterisk 22.10.1 itself wrote of two calls of a phone through a trunk, in the files of asterisk_22: log file,
console, and `pjsip set logger pcap`, where TLS stands as UDP from port 0.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.analyzer import Options, analyze

HERE = Path(__file__).parent / "asterisk_22"
ECHO, BUSY = "+15550100000", "+15550100486"


@pytest.mark.parametrize(
    ("name", "kind", "calls", "rules"),
    [
        ("full.log", "text:asterisk-pjsip", [(ECHO, "completed", 2), (BUSY, "busy", 2)], {"ROUTE-09"}),
        # Without times nothing says that two Call-IDs are one call.
        (
            "console.txt",
            "text:asterisk-pjsip",
            [(ECHO, "completed", 1), (ECHO, "completed", 1), (BUSY, "busy", 1), (BUSY, "busy", 1)],
            {"ROUTE-09", "CAP-06"},
        ),
        ("tls.pcap", "pcap", [(ECHO, "completed", 2), (BUSY, "busy", 2)], {"ROUTE-09"}),
    ],
)
def test_what_asterisk_wrote(name, kind, calls, rules):
    analysis = analyze(HERE / name, Options(provider="trunkline"))
    assert analysis.trace.capture.files[0].format == kind
    assert len(analysis.trace.messages) == 30
    found = [(call.called, call.status, len(call.dialogs)) for call in analysis.trace.calls if call.kind == "call"]
    assert found == calls
    assert {finding.rule for finding in analysis.findings} == rules, "a busy callee is all that there is to remark"


def test_the_transport_of_such_a_capture_is_that_of_the_messages():
    messages = analyze(HERE / "tls.pcap").trace.messages
    assert {(message.raw.transport, message.vias[0].transport) for message in messages} == {
        ("tls", "TLS"),
        ("udp", "UDP"),
    }


def test_the_entries_of_its_history():
    """`pjsip show history entry N`, which prints the headers of a received body twice."""
    analysis = analyze(HERE / "history.txt")
    assert analysis.trace.capture.files[0].format == "text:asterisk-history"
    assert [message.raw.time for message in analysis.trace.messages] == [1795895525.0] * 8
    assert [message.raw.sent_by_us for message in analysis.trace.messages[:3]] == [True, False, False]
    assert all(message.raw.data.lower().count(b"content-length:") == 1 for message in analysis.trace.messages)
    assert [finding.rule for finding in analysis.findings] == ["CAP-04"], "the dialogs end after these entries"
