"""A text log → its SIP messages. What kind of log it is, is told by its lines, not by its name."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.capture import Damage, Place, RawMessage
from trunkline.analyzer.text.banners import Banner, read_banner, read_cisco_head
from trunkline.analyzer.text.clean import Line, decode, lines_of
from trunkline.analyzer.text.messages import collect, forget, goes_on, start_of
from trunkline.analyzer.text.own_address import fill_in_other_side, fill_in_own_side
from trunkline.analyzer.text.timestamp import Clock

REACH = 6
"""Lines between what announces a message and its start line."""


@dataclass(slots=True)
class TextLog:
    """What a log held."""

    format: str
    """`text:asterisk-pjsip` …: the kind of which there is most; `text:pasted` where nothing announces the messages."""
    messages: list[RawMessage] = field(default_factory=list)
    """In the order of the file."""
    damage: list[Damage] = field(default_factory=list)


def read_text(data: bytes, file: int, name: str, limits: Limits | None = None) -> TextLog:
    """The messages of one log, none where there are none. `file`: its index, `name`: for damage. Never raises."""
    limits = limits or Limits()
    lines = lines_of(decode(data))
    reader = _Reader(lines, file, limits)
    messages = reader.read()
    forget()
    kind = reader.kinds.most_common(1)[0][0] if reader.kinds else "pasted"
    log = TextLog(f"text:{kind}", messages)
    if len(messages) >= limits.messages:
        log.damage.append(Damage(file, f"{name}: only the first {limits.messages:,} messages were read"))
    fill_in_own_side(messages)
    fill_in_other_side(messages)
    return log


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: list[Line], file: int, limits: Limits) -> None:
        self.lines, self.file, self.limits = lines, file, limits
        self.kinds: Counter[str] = Counter()
        self.clock = Clock()
        self._banner: Banner | None = None
        self._banner_at = -REACH - 1
        self._banner_time: float | None = None
        self._noise = Clock()
        self._session: str | None = None

    def read(self) -> list[RawMessage]:
        messages: list[RawMessage] = []
        at = 0
        lines = self.lines
        while at < len(lines) and len(messages) < self.limits.messages:
            text = lines[at].text
            column = start_of(text) if "SIP/2.0" in text else -1
            if column < 0 or (column and not goes_on(lines, at, column)):
                self._look(text, at)
                at += 1
                continue
            if column:
                self._look(text[:column], at)
            found = collect(lines, at, column, self.limits, is_banner=_announces)
            messages.append(self._message(found.data, at, whole=found.whole))
            at = max(found.behind, at + 1)
        return messages

    def _look(self, text: str, at: int) -> None:
        """Learns from a line between messages."""
        session = read_cisco_head(text)
        if session is not None:
            self._session = session
        banner = read_banner(text)
        if banner is not None:
            # A second line may complete the first: `Sent:` and `SIP UDP message from … to …`.
            if self._banner is not None and at - self._banner_at <= 2 and self._banner.format == banner.format:
                banner = _both(self._banner, banner)
            self._banner, self._banner_at = banner, at
        if banner is not None or session is not None:
            seconds = self.clock.read(text)
            self._banner_time = seconds if seconds is not None or at - self._banner_at > 2 else self._banner_time

    def _time_before(self, at: int) -> float | None:
        """A line that announces nothing may be the only one with a time. Its clock is apart: it may have a date."""
        for line in reversed(self.lines[max(0, at - REACH) : at + 1]):
            seconds = self._noise.read(line.text)
            if seconds is not None:
                return seconds
        return None

    def _message(self, data: bytes, at: int, *, whole: bool) -> RawMessage:
        banner = self._banner if at - self._banner_at <= REACH else None
        time = self._banner_time
        if time is None:
            time = self._time_before(at)
        place = Place(file=self.file, line=self.lines[at].number)
        message = RawMessage(data=data, place=place, time=time, source="text", truncated=not whole)
        if banner is not None:
            if banner.format == "asterisk-history":
                message.data = _once(data)
            self.kinds[banner.format] += 1
            message.sent_by_us = banner.sent_by_us
            message.transport = banner.transport
            message.src, message.dst = banner.src, banner.dst
            if banner.remote is not None:
                if banner.sent_by_us:
                    message.dst = banner.remote
                else:
                    message.src = banner.remote
            message.correlation_id = banner.correlation_id
        if self._session is not None and banner is not None and banner.format == "cisco-cube":
            message.correlation_id = self._session
        self._banner = self._banner_time = None
        return message


def _once(data: bytes) -> bytes:
    """Asterisk's history writes what describes the body of a received message as it came, and once more."""
    head, blank, body = data.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    for line in head.split(b"\r\n"):
        name = line.partition(b":")[0].lower()
        if name not in (b"content-type", b"content-length") or all(
            one.partition(b":")[0].lower() != name for one in kept
        ):
            kept.append(line)
    return b"\r\n".join(kept) + blank + body


def _announces(text: str) -> bool:
    return read_banner(text) is not None and not text.lstrip()[:1].islower()


def _both(first: Banner, second: Banner) -> Banner:
    return second._replace(
        sent_by_us=first.sent_by_us if second.sent_by_us is None else second.sent_by_us,
        remote=second.remote or first.remote,
        src=second.src or first.src,
        dst=second.dst or first.dst,
        correlation_id=second.correlation_id or first.correlation_id,
    )
