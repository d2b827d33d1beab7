"""A copy of an analysis with stand-ins, for the reports."""

from __future__ import annotations

from dataclasses import replace

from trunkline.analyzer.fixes import add_fixes, fixes_of
from trunkline.analyzer.model.call import Call, Dialog, JoinReason
from trunkline.analyzer.model.capture import Capture, Damage
from trunkline.analyzer.model.finding import Evidence, Finding, Fix
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.stream import DtmfEvent, Media, RtcpReport, Stream, Tone
from trunkline.analyzer.model.trace import Analysis, Options, Trace
from trunkline.analyzer.redact import Redactor
from trunkline.analyzer.redacted_message import rewritten_line
from trunkline.analyzer.sip.parser import parse_message

NUMBERS_AND_USERS = frozenset(("did", "did_digits", "called", "called_e164", "caller", "username"))
"""Names of fix values that are replaced as a whole."""


def redacted(analysis: Analysis, redactor: Redactor) -> Analysis:
    """Pressed keys become `x`: they are card numbers and PINs."""
    trace = analysis.trace
    messages = [_message(message, redactor) for message in trace.messages]
    new = Trace(
        capture=_capture(trace.capture, redactor),
        messages=messages,
        dialogs=[],
        calls=[_call(call, messages, redactor) for call in trace.calls],
        media=_media(trace.media, redactor),
        profile=trace.profile,
        profile_why=redactor.text(trace.profile_why),
        options=Options(trace.options.provider, pbx=trace.options.pbx),
        one_sided=trace.one_sided,
        inside_nat=trace.inside_nat,
        start=trace.start,
        end=trace.end,
    )
    generated = fixes_of(trace, analysis.findings)
    findings = [
        _finding(finding, [fix for fix in finding.fixes if fix not in known], redactor)
        for finding, known in zip(analysis.findings, generated, strict=True)
    ]
    add_fixes(new, findings)  # filled in anew: a stand-in for a user called `trunk` has no business in our sentences
    return Analysis(new, findings, redactor.text(analysis.verdict), analysis.seconds)


def _message(message: Message, redactor: Redactor) -> Message:
    raw = message.raw
    new = replace(
        raw,
        data=redactor.message(raw),
        src=redactor.endpoint(raw.src) if raw.src else None,
        dst=redactor.endpoint(raw.dst) if raw.dst else None,
        trailing=b"",
        correlation_id=None,
        capture_point=None,
    )
    parsed = parse_message(new, message.index)
    parsed.duplicate_of, parsed.retransmission_of = message.duplicate_of, message.retransmission_of
    return parsed


def _capture(capture: Capture, redactor: Redactor) -> Capture:
    files = [replace(file, name=redactor.file_name(file.name)) for file in capture.files]
    damage = [Damage(one.file, redactor.text(one.what), one.place) for one in capture.damage]
    return Capture(files=files, damage=damage)


def _call(call: Call, messages: list[Message], redactor: Redactor) -> Call:
    joined = [
        JoinReason(
            (redactor.call_id(reason.call_ids[0]), redactor.call_id(reason.call_ids[1])),
            reason.score,
            tuple(redactor.text(why) for why in reason.why),
        )
        for reason in call.joined
    ]
    return replace(
        call,
        dialogs=[_dialog(dialog, messages, redactor) for dialog in call.dialogs],
        caller=redactor.user(call.caller),
        called=redactor.user(call.called),
        final_reason=redactor.text(call.final_reason),
        joined=joined,
    )


def _dialog(dialog: Dialog, messages: list[Message], redactor: Redactor) -> Dialog:
    return replace(
        dialog,
        call_id=redactor.call_id(dialog.call_id),
        messages=[messages[message.index] for message in dialog.messages],
        transactions=[],
        exchanges=[],
        caller=redactor.endpoint(dialog.caller) if dialog.caller else None,
        callee=redactor.endpoint(dialog.callee) if dialog.callee else None,
        facing_why=redactor.text(dialog.facing_why),
    )


def _media(media: Media, redactor: Redactor) -> Media:
    return Media(
        streams=[_stream(stream, redactor) for stream in media.streams],
        rtcp=[_report(report, redactor) for report in media.rtcp],
        captured=media.captured,
        capture_gaps=media.capture_gaps,
    )


def _stream(stream: Stream, redactor: Redactor) -> Stream:
    events: list[DtmfEvent] = [replace(event, digit="x") for event in stream.events]
    tones: list[Tone] = [replace(tone, digit="x" if tone.digit else "") for tone in stream.tones]
    ends = redactor.endpoint(stream.src), redactor.endpoint(stream.dst)
    return replace(stream, src=ends[0], dst=ends[1], events=events, tones=tones)


def _report(report: RtcpReport, redactor: Redactor) -> RtcpReport:
    return replace(report, src=redactor.endpoint(report.src), dst=redactor.endpoint(report.dst))


def _finding(finding: Finding, own_fixes: list[Fix], redactor: Redactor) -> Finding:
    text = redactor.text
    evidence: list[Evidence] = [replace(one, text=_quoted(one, redactor)) for one in finding.evidence]
    fixes = [Fix(fix.pbx, text(fix.title), text(fix.file), text(fix.snippet), text(fix.text)) for fix in own_fixes]
    return replace(
        finding,
        title=text(finding.title),
        what=text(finding.what),
        why=text(finding.why),
        evidence=evidence,
        fixes=fixes,
        fix_values={name: _value(name, value, redactor) for name, value in finding.fix_values.items()},
        merge_key="",
    )


def _value(name: str, value: str, redactor: Redactor) -> str:
    if name in NUMBERS_AND_USERS:
        return redactor.user(value)
    return redactor.text(value)


def _quoted(evidence: Evidence, redactor: Redactor) -> str:
    """A quoted line goes the way of the line in its message, also where the name of its header is not quoted along."""
    header, text = evidence.header, evidence.text
    if not header or " " in header or text.lower().startswith(header.lower()):
        return rewritten_line(text, redactor)
    return rewritten_line(f"{header}: {text}", redactor).removeprefix(f"{header}:").strip()
