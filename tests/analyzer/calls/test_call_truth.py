"""Real captures: what tshark and a person found in them is what we find."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from trunkline.analyzer.calls.build import build_trace
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.media.collector import Collector
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.trace import Options
from trunkline.analyzer.read.files import read_files

CAPTURES = Path(__file__).parents[4] / "shared" / "captures"
TRUTH = json.loads((CAPTURES / "truth.json").read_text()) if (CAPTURES / "truth.json").is_file() else []
HERE = [truth for truth in TRUTH if (CAPTURES / truth["file"]).is_file() and "dialogs" in truth]
needs_captures = pytest.mark.skipif(not HERE, reason="../shared/captures is MISSING: real captures were not tested")


def trace_of(name):
    capture, collector, limits = Capture(), Collector(Limits()), Limits()
    read_files([CAPTURES / name], capture, limits, collector)
    return build_trace(capture, collector.finish(), Options())


@needs_captures
@pytest.mark.parametrize("truth", HERE, ids=lambda truth: truth["file"])
def test_counts_are_those_of_the_truth(truth):
    if not truth["dialogs"]:
        pytest.skip("the truth of this file names no dialogs")
    trace = trace_of(truth["file"])
    requests = [m for m in trace.messages if m.is_request]
    assert len(trace.messages) == truth["sip_messages"]
    assert Counter(m.method for m in requests) == truth["methods"]
    assert Counter(str(m.status) for m in trace.messages if m.status) == truth["responses_by_code"]
    assert len({m.call_id for m in trace.messages}) == truth["call_ids"]
    calls = {d.call_id for d in trace.dialogs if d.kind == "call"}
    assert len(calls) == truth["invite_dialogs"]
    assert all(problem.kind != "start_line" for m in trace.messages for problem in m.problems)


@needs_captures
@pytest.mark.parametrize("truth", HERE, ids=lambda truth: truth["file"])
def test_dialogs_are_those_of_the_truth(truth):
    trace = trace_of(truth["file"])
    for wanted in truth["dialogs"]:
        hops = [d for d in trace.dialogs if d.call_id == wanted["call_id"]]
        messages = [m for d in hops for m in d.messages]
        assert len(messages) == wanted["messages"]
        assert messages[0].place.frame == wanted["first_frame"]
        if not wanted["is_call"]:
            assert hops[0].kind != "call"
            continue
        finals = {str(t.final.status) for d in hops for t in d.invites if t.final and t.final.status not in (401, 407)}
        assert finals == set(wanted["invite_final"])
        repeated = sorted(
            m.place.frame for m in messages if m.retransmission_of is not None and m.is_request and m.method == "INVITE"
        )
        assert repeated == wanted["retransmitted_frames"]
        call = next(c for c in trace.calls if hops[0] in c.dialogs)
        if wanted.get("ack_seen"):
            assert all(t.ack for d in hops for t in d.invites if t.final and t.final.status < 300)
        if "setup_s" in wanted:
            assert call.answered - call.started == pytest.approx(wanted["setup_s"], abs=0.25)
        if "bye_frame" in wanted:
            assert call.status == "completed"
        described = [e for d in hops for e in d.exchanges]
        if "offer" in wanted:
            assert described[0].offer.place.frame == wanted["offer"]["frame"]
        if "answer" in wanted:
            assert wanted["answer"]["frame"] in [e.answer.place.frame for e in described if e.answer]


@needs_captures
@pytest.mark.parametrize("truth", HERE, ids=lambda truth: truth["file"])
def test_each_stream_of_a_call_is_matched(truth):
    trace = trace_of(truth["file"])
    if not any(dialog["is_call"] for dialog in truth["dialogs"]):
        return
    for stream in trace.media.streams:
        assert stream.call is not None
        assert stream.match in ("sdp", "latched")
        assert stream.from_caller is not None


@needs_captures
def test_the_legs_of_an_asterisk_are_one_call():
    trace = trace_of("goffinet__sip_captures/sip-2phones-B2BUA-Asterisk.pcapng")
    (call,) = [call for call in trace.calls if call.kind == "call"]
    assert len(call.dialogs) == 2
    assert call.joined[0].score >= 0.6
    assert {dialog.pbx for dialog in call.dialogs} == {"chan_sip"}
