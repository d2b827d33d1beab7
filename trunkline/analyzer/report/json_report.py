"""The report for programs: JSON, version 1 (`schema.json`, described in docs/analyzer.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline.analyzer.garbage import no_collection
from trunkline.analyzer.model.call import Call, Dialog
from trunkline.analyzer.model.capture import Damage, Endpoint, SourceFile
from trunkline.analyzer.model.finding import Evidence, Finding
from trunkline.analyzer.model.stream import RtcpReport, Stream
from trunkline.analyzer.model.trace import Analysis
from trunkline.analyzer.report.verdict import calls_of, is_problem

SCHEMA = "trunkline.analysis/1"
MOST_INDENTED = 200
"""Calls and streams of a report that is indented throughout."""

Document = dict[str, Any]


def document(analysis: Analysis) -> Document:
    """The whole report as values that `json.dumps` takes. Times are Unix seconds, lengths are seconds or
    milliseconds as the name says; text of the capture is as it was, escaped by JSON and by nobody else.
    """
    trace = analysis.trace
    media = trace.media
    quoted = sum(error.quotes_sip for error in trace.capture.icmp)
    return {
        "schema": SCHEMA,
        "verdict": analysis.verdict,
        "problems": sum(is_problem(finding) for finding in analysis.findings),
        "seconds": round(analysis.seconds, 3),
        "files": [_file(file) for file in trace.capture.files],
        "damage": [_damage(damage) for damage in trace.capture.damage],
        "profile": {"name": trace.profile.name, "why": trace.profile_why},
        "capture": {
            "start": trace.start,
            "end": trace.end,
            "one_sided": trace.one_sided,
            "inside_nat": trace.inside_nat,
            "media_captured": media.captured,
            "quoted_messages": quoted,
        },
        "sip": {"messages": len(trace.messages) + quoted, "calls": calls_of(trace)},
        "calls": [_call(call) for call in trace.calls],
        "streams": [_stream(stream) for stream in media.streams],
        "rtcp": [_rtcp(report) for report in media.rtcp[:1000]],
        "findings": [_finding(finding) for finding in analysis.findings],
    }


def dumps(analysis: Analysis) -> str:
    """The report as text: ASCII only, so that no terminal and no mail breaks it, other bytes survive."""
    with no_collection():
        return _dumped(document(analysis))


def _dumped(whole: Document) -> str:
    import json

    if len(whole["calls"]) + len(whole["streams"]) <= MOST_INDENTED:
        return json.dumps(whole, indent=2, allow_nan=False)
    # json indents in Python, which takes ten times as long: one line for each entry is readable too
    encode = json.JSONEncoder(allow_nan=False).encode
    parts = []
    for name, value in whole.items():
        text = f"[\n    {listed}\n  ]" if (listed := _lines(value, encode)) else encode(value)
        parts.append(f"  {encode(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}"


def _lines(value: object, encode: Callable[[object], str]) -> str:
    return ",\n    ".join(map(encode, value)) if isinstance(value, list) else ""


def _end(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else str(endpoint)


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _file(file: SourceFile) -> Document:
    return {
        "name": file.name,
        "format": file.format,
        "size": file.size,
        "packets": file.packets,
        "first": file.first,
        "last": file.last,
        "link_types": list(file.link_types),
        "truncated_packets": file.snaplen_cut,
        "unread": dict(file.unread),
    }


def _damage(damage: Damage) -> Document:
    place = damage.place
    return {
        "file": damage.file,
        "what": damage.what,
        "frame": place.frame if place else None,
        "line": place.line if place else None,
    }


def _call(call: Call) -> Document:
    ended, answered = call.ended, call.answered
    return {
        "id": call.id,
        "kind": call.kind,
        "caller": call.caller,
        "called": call.called,
        "status": call.status,
        "final_status": call.final_status,
        "final_reason": call.final_reason,
        "started": call.started,
        "ringing": call.ringing,
        "answered": answered,
        "ended": ended,
        "ended_by": call.ended_by,
        "talk_seconds": round(ended - answered, 3) if ended is not None and answered is not None else None,
        "messages": sum(len(dialog.messages) for dialog in call.dialogs),
        "streams": list(call.streams),
        "hops": [_hop(dialog) for dialog in call.dialogs],
        "joined": [
            {"call_ids": list(reason.call_ids), "score": round(reason.score, 3), "why": list(reason.why)}
            for reason in call.joined
        ],
    }


def _hop(dialog: Dialog) -> Document:
    return {
        "call_id": dialog.call_id,
        "kind": dialog.kind,
        "caller": _end(dialog.caller),
        "callee": _end(dialog.callee),
        "pbx": dialog.pbx,
        "pbx_side": dialog.pbx_side,
        "facing": dialog.facing,
        "facing_why": dialog.facing_why,
        "provider_side": dialog.provider_side,
        "messages": len(dialog.messages),
        "begun_before_capture": dialog.begun_before_capture,
        "cut_by_end": dialog.cut_by_end,
    }


def _stream(stream: Stream) -> Document:
    return {
        "ssrc": f"0x{stream.ssrc:08x}",
        "src": str(stream.src),
        "dst": str(stream.dst),
        "payload_type": stream.payload_type,
        "codec": stream.codec,
        "packets": stream.packets,
        "lost": stream.lost,
        "duplicates": stream.duplicates,
        "jitter_mean_ms": round(stream.jitter_mean_ms, 3),
        "jitter_max_ms": round(stream.jitter_max_ms, 3),
        "mos": _round(stream.mos, 2),
        "call": stream.call,
        "mos_basis": stream.mos_basis,
        "match": stream.match,
        "from_caller": stream.from_caller,
        "heuristic": stream.heuristic,
        "first": stream.first,
        "last": stream.last,
        "first_frame": stream.first_place.frame,
        "last_frame": stream.last_place.frame,
        "clock_rate": stream.clock_rate,
        "payload_types": {str(kind): count for kind, count in stream.payload_types.items()},
        "expected": stream.expected,
        "captured_twice": stream.captured_twice,
        "reordered": stream.reordered,
        "max_burst": stream.max_burst,
        "worst_10s_loss": round(stream.worst_10s_loss, 4),
        "jitter_p95_ms": round(stream.jitter_p95_ms, 3),
        "max_delta_ms": round(stream.max_delta_ms, 3),
        "ptime_ms": stream.ptime_ms,
        "skew_ppm": _round(stream.skew_ppm, 1),
        "dtx": stream.dtx,
        "level_dbm0": _round(stream.level_dbm0, 1),
        "silence_share": _round(stream.silence_share, 4),
        "clipped_share": round(stream.peak_clipped, 6),
        "encrypted": stream.encrypted,
        "dscp": stream.dscp,
        "digits": [
            {"digit": event.digit, "start": event.start, "duration_ms": round(event.duration_ms, 1)}
            for event in stream.events
        ],
        "tones": [
            {"kind": t.kind, "digit": t.digit, "start": t.start, "duration_ms": round(t.duration_ms, 1)}
            for t in stream.tones
        ],
        "gaps": [
            {"start": gap.start, "seconds": round(gap.seconds, 3), "lost": gap.lost, "excused": gap.excused}
            for gap in stream.gaps
        ],
    }


def _rtcp(report: RtcpReport) -> Document:
    return {
        "frame": report.place.frame,
        "time": report.time,
        "src": str(report.src),
        "dst": str(report.dst),
        "reporter_ssrc": f"0x{report.reporter_ssrc:08x}",
        "ssrc": f"0x{report.ssrc:08x}",
        "fraction_lost": round(report.fraction_lost, 4),
        "cumulative_lost": report.cumulative_lost,
        "jitter": report.jitter,
        "round_trip_ms": _round(report.round_trip_ms, 1),
        "xr_mos": report.xr_mos,
    }


def _evidence(evidence: Evidence) -> Document:
    return {
        "frame": evidence.frame,
        "line": evidence.line,
        "header": evidence.header,
        "text": evidence.text,
        "file": evidence.file,
        "message": evidence.message,
        "message_line": evidence.message_line,
        "stream": evidence.stream,
        "time": evidence.time,
    }


def _finding(finding: Finding) -> Document:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "title": finding.title,
        "what": finding.what,
        "why": finding.why,
        "reference": finding.reference,
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
        "calls": list(finding.calls),
        "fixes": [
            {"pbx": fix.pbx, "title": fix.title, "file": fix.file, "snippet": fix.snippet, "text": fix.text}
            for fix in finding.fixes
        ],
        "caused_by": finding.caused_by or None,
    }
