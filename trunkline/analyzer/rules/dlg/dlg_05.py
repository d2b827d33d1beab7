"""No BYE: the audio has stopped, and the call is still open.

Proof: RTP of both sides ended more than 10 s before the end of the capture, which goes on with other packets of the
same hosts, and there is no BYE.
Traps: hold without RTP; a capture of which the signalling was filtered out.
Fix: RTP timeout, session timers.
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.analyzer.model.call import Call
from trunkline.analyzer.model.finding import Finding
from trunkline.analyzer.model.trace import Trace
from trunkline.analyzer.rules.facts import waited
from trunkline.analyzer.rules.quote import cut, quote
from trunkline.analyzer.rules.rule import Rule

RULE = Rule(
    id="DLG-05",
    title="No BYE although the audio has stopped",
    severity="warn",
    reference="RFC 3261 section 15, RFC 4028",
    fix="Set an RTP timeout and session timers, so that dead calls are cleared.",
    needs=("time", "both_directions", "media"),
)
QUIET = 10.0


def check(trace: Trace) -> Iterator[Finding]:
    """One finding per call."""
    for call in trace.calls:
        if call.kind != "call" or call.answered is None or call.ended is not None or not call.streams:
            continue
        streams = [trace.media.streams[number] for number in call.streams]
        senders = {stream.src.ip for stream in streams}
        last = max(stream.last for stream in streams)
        if len(senders) < 2 or last < call.answered or not waited(trace, last, QUIET):
            continue
        if any(message.method == "BYE" for message in call.messages) or _held(call):
            continue
        later = [m for m in trace.messages if m.time is not None and m.time > last + QUIET / 2]
        if not later:
            continue
        yield RULE.finding(
            f"The audio of the call to {cut(call.called, 40)} stopped {(trace.end or last) - last:.0f} s before "
            "the end of the "
            "capture, and no BYE came.",
            "One side is gone, or the BYE got lost: the call stays open and is billed until a timer ends it.",
            calls=[call.id],
            evidence=[quote(call.messages[-1])],
            confidence="hint",
        )


def _held(call: Call) -> bool:
    last = next((m.sdp for m in reversed(call.messages) if m.sdp is not None), None)
    audio = last.first("audio") if last is not None else None
    return audio is not None and (audio.direction != "sendrecv" or audio.address == "0.0.0.0")
