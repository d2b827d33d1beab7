"""Evidence: the frame or line, the header, and its text as it stood."""

from __future__ import annotations

from trunkline.analyzer.model.capture import Place
from trunkline.analyzer.model.finding import Evidence
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.stream import Stream

LONGEST = 300
"""Characters of quoted text: enough for a Via or an m= line, not for an attack on the reader."""


def cut(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters of it, in one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def start_line(message: Message) -> str:
    """The request or status line, as the parser understood it."""
    if message.is_request:
        return cut(f"{message.method} {message.ruri} SIP/2.0")
    return cut(f"SIP/2.0 {message.status} {message.reason}".rstrip())


def _at(message: Message, header: str, text: str, line: int) -> Evidence:
    place = message.place
    return Evidence(
        file=place.file,
        frame=place.frame,
        line=place.line,
        header=header,
        text=cut(text),
        message=message.index,
        message_line=line,
        time=message.time,
    )


def quote(message: Message | None, header: str = "") -> Evidence | None:
    """The first header of this name, or the start line where none is given or the message has no such header."""
    if message is None:
        return None
    found = message.header(header) if header else None
    if found is None:
        return _at(message, "start line", start_line(message), 1)
    return _at(message, found.name, f"{found.name}: {found.value}", found.line)


def quote_sdp(message: Message | None, beginning: str) -> Evidence | None:
    """The first line of its SDP that begins so (`c=`, `m=audio`, `a=ptime`); the m= line, then v=, where none does."""
    if message is None or message.sdp is None:
        return quote(message)
    lines = message.sdp.text.splitlines()
    for wanted in (beginning, "m=", "v="):
        for number, line in enumerate(lines):
            if line.strip().startswith(wanted):
                return _at(message, f"SDP {wanted}", line, message.sdp.first_line + number)
    return quote(message)


def quote_stream(stream: Stream, index: int | None, text: str, place: Place | None = None) -> Evidence:
    """A stream: its first packet, or `place`, and what is said of it. `index`: in `Media.streams`."""
    at = place or stream.first_place
    return Evidence(
        file=at.file, frame=at.frame, line=at.line, header="RTP", text=cut(text), stream=index, time=stream.first
    )


def quote_place(place: Place, header: str, text: str, time: float | None = None) -> Evidence:
    """Something that is no SIP message: an ICMP packet, a TLS alert, a DNS answer."""
    return Evidence(file=place.file, frame=place.frame, line=place.line, header=header, text=cut(text), time=time)
