"""Calls and streams on the page: tables, ladders, messages with the faulty line marked, charts."""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.analyzer.model.call import Call
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Analysis, Trace
from trunkline.analyzer.report.charts import charts
from trunkline.analyzer.report.escape import lines_of
from trunkline.analyzer.report.html_ladder import svg
from trunkline.analyzer.report.html_text import e, tag
from trunkline.analyzer.report.ladder import Arrow, label_of, ladder_of
from trunkline.analyzer.report.tables import length, outcome

MOST_ROWS = 500
MOST_CHARTS = 8
"""Streams of one call with charts."""
MOST_MESSAGE = 20_000
"""Bytes of one message that are shown."""


def calls_table(trace: Trace, shown: set[str]) -> str:
    if not trace.calls:
        return ""
    head = "".join(tag("th", name, scope="col") for name in ("Call", "Kind", "From", "To", "Outcome", "Length"))
    rows = [_call_row(call, trace, shown) for call in trace.calls[:MOST_ROWS]]
    more = len(trace.calls) - MOST_ROWS
    note = tag("p", f"… and {more:,} more (trunkline analyze --json lists them).", class_="muted") if more > 0 else ""
    return tag("h2", "Calls") + _scrolled("Table of calls", _table(head, rows)) + note


def streams_table(trace: Trace) -> str:
    streams = trace.media.streams
    if not streams:
        return ""
    names = ("Call", "From", "To", "Codec")
    numbers = ("Packets", "Lost", "Jitter ms, mean", "most", "MOS (estimate)")
    head = "".join(tag("th", name, scope="col") for name in names)
    head += "".join(tag("th", name, scope="col", class_="n") for name in numbers)
    rows = []
    for stream in streams[:MOST_ROWS]:
        lost = f"{stream.lost:,} ({stream.loss_share:.1%})" if stream.lost else "0"
        mos = "–" if stream.mos is None else f"{stream.mos:.1f}"
        cells = [stream.call or "–", stream.src, stream.dst, stream.codec or f"type {stream.payload_type}"]
        figures = [f"{stream.packets:,}", lost, f"{stream.jitter_mean_ms:.1f}", f"{stream.jitter_max_ms:.1f}", mos]
        row = "".join(tag("td", e(cell)) for cell in cells) + "".join(tag("td", e(x), class_="n") for x in figures)
        rows.append(tag("tr", row))
    more = len(streams) - MOST_ROWS
    note = tag("p", f"… and {more:,} more (trunkline analyze --json lists them).", class_="muted") if more > 0 else ""
    return tag("h2", "Media") + _scrolled("Table of media streams", _table(head, rows)) + note


def call_section(analysis: Analysis, call: Call) -> str:
    """Heading, facts, ladder, messages, charts of one call."""
    trace = analysis.trace
    ladder = ladder_of(trace, call, analysis.findings)
    messages = [trace.messages[step.message] for step in ladder.steps if isinstance(step, Arrow)]
    charted = call.streams[:MOST_CHARTS]
    drawn = {message.index for message in messages}
    who = " → ".join(part for part in (call.caller, call.called) if part)
    parts = [
        tag("h3", f"{e(call.id)}: {e(who or call.kind)}"),
        tag("p", e("; ".join(facts(call))), class_="muted"),
        _scrolled(f"Ladder of call {call.id}", svg(ladder, drawn, set(charted))),
    ]
    if ladder.left_out:
        parts.append(tag("p", f"{ladder.left_out:,} further messages are left out.", class_="muted"))
    marks = marks_of(analysis)
    parts += [_message(message, call, marks.get(message.index, {}), analysis) for message in messages]
    for index in charted:
        stream = trace.media.streams[index]
        heading = f"{stream.src} → {stream.dst}, {stream.codec or f'payload type {stream.payload_type}'}"
        parts.append(tag("h4", e(heading), id=f"s{index}") + charts(stream, index))
    return tag("section", "".join(parts), class_="call", id=call.id)


def facts(call: Call) -> list[str]:
    """What is known of a call, and why its hops are one call."""
    said = [f"{call.kind}, {outcome(call)}"]
    for dialog in call.dialogs:
        ends = f"{dialog.caller or '?'} → {dialog.callee or '?'}"
        facing = f", {dialog.facing_why}" if dialog.facing == "provider" and dialog.facing_why else ""
        said.append(f"{ends} (Call-ID {dialog.call_id}{facing})")
    said += [f"joined, score {reason.score:.2f}: {', '.join(reason.why)}" for reason in call.joined]
    return said


def marks_of(analysis: Analysis) -> dict[int, dict[int, list[str]]]:
    """Message to line to the rules that quote it. Line 0: the message as a whole."""
    marks: dict[int, dict[int, list[str]]] = {}
    for finding in analysis.findings:
        for evidence in finding.evidence:
            if evidence.message is not None:
                rules = marks.setdefault(evidence.message, {}).setdefault(evidence.message_line or 0, [])
                if finding.rule not in rules:
                    rules.append(finding.rule)
    return marks


def _message(message: Message, call: Call, marks: dict[int, list[str]], analysis: Analysis) -> str:
    shown = []
    for number, line in enumerate(lines_of(message.raw.data[:MOST_MESSAGE]), 1):
        rules = marks.get(number)
        if rules:
            shown.append(tag("mark", f"{e(line)} ◀ {e(', '.join(rules))}", class_="l"))
        else:
            shown.append(tag("span", e(line) or " ", class_="l"))
    if len(message.raw.data) > MOST_MESSAGE:
        shown.append(tag("span", "… cut here", class_="l"))
    links = tag("a", "Back to the ladder", href=f"#{call.id}")
    whole = f"Quoted by {e(', '.join(marks[0]))}. " if 0 in marks else ""
    head = f"{e(label_of(message))} {tag('small', e(_where(message, analysis)))}"
    return tag(
        "div",
        tag("p", f"<strong>{head}</strong>") + tag("pre", "".join(shown)) + tag("p", whole + links, class_="noprint"),
        class_="msg fault" if marks else "msg",
        id=f"m{message.index}",
    )


def _where(message: Message, analysis: Analysis) -> str:
    files = analysis.trace.capture.files
    place = message.place
    parts = [f"{message.src} → {message.dst}" if message.src and message.dst else "", message.raw.transport]
    if len(files) > 1 and place.file < len(files):
        parts.append(files[place.file].name)
    parts.append(f"frame {place.frame}" if place.frame is not None else "")
    parts.append(f"line {place.line}" if place.line is not None else "")
    return ", ".join(part for part in parts if part and part != "unknown")


def _call_row(call: Call, trace: Trace, shown: set[str]) -> str:
    link = tag("a", e(call.id), href=f"#{call.id}") if call.id in shown else e(call.id)
    talk = "" if call.answered is None else length(max(0.0, (call.ended or trace.end or call.answered) - call.answered))
    cells = [e(call.kind), e(call.caller), e(call.called), e(outcome(call)), e(talk)]
    return tag("tr", "".join(tag("td", cell) for cell in [link, *cells]))


def _table(head: str, rows: Iterable[str]) -> str:
    return tag("table", tag("thead", tag("tr", head)) + tag("tbody", "".join(rows)))


def _scrolled(label: str, content: str) -> str:
    return tag("div", content, class_="scroll", role="region", aria_label=label, tabindex="0")
