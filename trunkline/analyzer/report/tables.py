"""What was read, the calls and the streams, as lines of a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from trunkline.analyzer.model.call import Call
from trunkline.analyzer.model.stream import Stream
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.report.escape import shortened, visible
from trunkline.analyzer.report.paint import Paint
from trunkline.analyzer.report.verdict import calls_of, counted

MOST_ROWS = 20
NO_YEAR = 366 * 86_400
"""Unix seconds up to here come from logs that give no year, or no date."""
Rows = list[tuple[str, ...]]
STATUS = {
    "completed": "completed",
    "in_progress": "goes on at the end",
    "refused": "refused",
    "busy": "busy",
    "no_answer": "no answer",
    "canceled": "cancelled",
    "failed": "failed",
    "no_response": "no response",
    "unknown": "unknown",
}


def summary(trace: Trace) -> Iterator[str]:
    """Sentences: what the files hold, over how long, and whose rules they were judged by."""
    for file in trace.capture.files[:8]:
        packets = f", {counted(file.packets, 'packet')}" if file.packets else ""
        yield f"{visible(file.name)}: {file.format}, {size(file.size)}{packets}"
    if len(trace.capture.files) > 8:
        yield f"… and {len(trace.capture.files) - 8} more files"
    parts = [counted(len(trace.messages), "SIP message"), counted(calls_of(trace), "call")]
    parts.append(counted(len(trace.media.streams), "RTP stream"))
    if trace.start is not None and trace.end is not None:
        parts.append(f"over {length(trace.end - trace.start)}")
        if trace.start > NO_YEAR:
            parts[-1] += f" from {datetime.fromtimestamp(trace.start, UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield ", ".join(parts)
    yield f"Judged as: {visible(trace.profile.title or trace.profile.name)} ({visible(trace.profile_why)})"


def calls_table(trace: Trace, paint: Paint) -> list[str]:
    """Calls first, then what else there is by kind."""
    calls = [call for call in trace.calls if call.kind == "call"]
    others = [call for call in trace.calls if call.kind != "call"]
    lines = []
    if calls:
        rows: Rows = [("call", "from", "to", "outcome", "answered", "length")]
        rows += [_call_row(call, trace) for call in calls[:MOST_ROWS]]
        lines += ["", paint.bold("Calls"), *_table(rows, paint)]
        if len(calls) > MOST_ROWS:
            lines.append(paint.dim(f"… and {len(calls) - MOST_ROWS:,} more (--json or --html show them)"))
    if others:
        others_rows: Rows = [("", "kind", "who", "outcome")]
        others_rows += [(call.id, call.kind, _who(call), outcome(call)) for call in others[:MOST_ROWS]]
        lines += ["", paint.bold("Other signalling"), *_table(others_rows, paint)]
        if len(others) > MOST_ROWS:
            lines.append(paint.dim(f"… and {len(others) - MOST_ROWS:,} more (--json lists them)"))
    return lines


def streams_table(trace: Trace, paint: Paint) -> list[str]:
    """Streams, those with problems (loss, then a low MOS) first where not all fit. No address is cut: where the table
    is too wide, each stream has two lines.
    """
    streams = trace.media.streams
    if not streams:
        return []
    shown = streams
    if len(streams) > MOST_ROWS:
        shown = sorted(streams, key=lambda one: (-one.loss_share, one.mos if one.mos is not None else 5.0))[:MOST_ROWS]
    rows: Rows = [("media", "from", "to", "codec", "packets", "lost", "jitter ms", "MOS est.")]
    rows += [_stream_row(stream) for stream in shown]
    lines = ["", paint.bold("Media"), *(_table(rows, paint) if _fits(rows, paint) else _in_words(rows[1:], paint))]
    if len(streams) > MOST_ROWS:
        lines.append(paint.dim(f"… and {len(streams) - MOST_ROWS:,} more (--json lists them)"))
    if any(stream.mos is not None for stream in shown):
        lines += [
            paint.dim(line) for line in paint.wrap("MOS is an estimate from codec, loss and jitter, one way only.")
        ]
    return lines


def outcome(call: Call) -> str:
    """`refused: 403 Forbidden`."""
    said = f"{call.final_status} {call.final_reason}".strip() if call.final_status else ""
    word = STATUS.get(call.status, call.status)
    if not said or call.status in {"completed", "in_progress"}:
        return word
    return visible(f"{word}: {said}")


def size(octets: float) -> str:
    for unit in ("B", "kB", "MB"):
        if octets < 1000:
            return f"{octets:.0f} {unit}" if unit == "B" or octets >= 10 else f"{octets:.1f} {unit}"
        octets /= 1000
    return f"{octets:.1f} GB"


def length(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _call_row(call: Call, trace: Trace) -> tuple[str, ...]:
    talk = "" if call.answered is None else length(max(0.0, (call.ended or trace.end or call.answered) - call.answered))
    after = "" if call.answered is None or call.started is None else f"after {call.answered - call.started:.1f} s"
    return call.id, visible(call.caller), visible(call.called), outcome(call), after, talk


def _who(call: Call) -> str:
    ends = call.dialogs[0] if call.dialogs else None
    where = f" → {ends.callee}" if ends is not None and ends.callee is not None else ""
    return visible(call.caller or call.called) + where


def _stream_row(stream: Stream) -> tuple[str, ...]:
    lost = f"{stream.lost:,} ({stream.loss_share:.1%})" if stream.lost else "0"
    return (
        stream.call or "-",
        str(stream.src),
        str(stream.dst),
        visible(stream.codec) or f"type {stream.payload_type}",
        f"{stream.packets:,}",
        lost,
        f"{stream.jitter_mean_ms:.1f} (max {stream.jitter_max_ms:.0f})",
        "-" if stream.mos is None else f"{stream.mos:.1f}",
    )


def _in_words(rows: Rows, paint: Paint) -> list[str]:
    """Streams without a table: the addresses, and the figures below them."""
    longest = max(len(row[0]) for row in rows)
    lines = []
    for call, src, dst, codec, packets, lost, jitter, mos in rows:
        lines += paint.wrap(f"{src} → {dst}", 0, f"{call:<{longest}}  ")
        mean, _, most = jitter.partition(" ")
        told = f"{codec}, {packets} packets, {lost.replace(' ', ' lost ', 1) if lost != '0' else 'none lost'}, "
        lines += paint.wrap(f"{told}jitter {mean} ms {most}, MOS est. {mos}", longest + 2)
    return lines


def _widths(rows: Rows) -> list[int]:
    return [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]


def _fits(rows: Rows, paint: Paint) -> bool:
    widths = _widths(rows)
    return sum(widths) + 2 * (len(widths) - 1) <= paint.width


def _table(rows: Rows, paint: Paint) -> list[str]:
    """Columns as wide as their widest cell; where that is too wide, the widest give way."""
    widths = _widths(rows)
    while sum(widths) + 2 * (len(widths) - 1) > paint.width and max(widths) > 3:
        widths[widths.index(max(widths))] -= 1
    lines = []
    for number, row in enumerate(rows):
        cells = [shortened(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        lines.append(paint.dim(line) if number == 0 else line)
    return lines
