"""What the capture itself is like: its span, whether it saw both directions, on which side of a NAT it was taken."""

from __future__ import annotations

from collections import defaultdict

from trunkline.analyzer.addresses import is_private
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.stream import Media


def capture_start(capture: Capture, media: Media) -> float | None:
    return min(_times(capture, media, first=True), default=None)


def capture_end(capture: Capture, media: Media) -> float | None:
    return max(_times(capture, media, first=False), default=None)


def _times(capture: Capture, media: Media, *, first: bool) -> list[float]:
    times = [message.time for message in capture.messages if message.time is not None]
    times += [stream.first if first else stream.last for stream in media.streams]
    # HEP brings the time at which a message was seen; when the packet that carries it was captured is another matter.
    carriers = {message.place.file for message in capture.messages if message.source == "hep"}
    times += [
        time
        for number, file in enumerate(capture.files)
        if (time := file.first if first else file.last) is not None and number not in carriers
    ]
    return times


def one_sided(messages: list[Message]) -> bool:
    """Whether no peer's messages go both ways, and what is there proves that the other way was in use: an ACK, a
    request within a dialog, credentials, or responses alone. Requests alone are no proof: the peer may be dead.
    """
    pairs: dict[tuple[str, str], bool] = {}
    proof: dict[tuple[str, str], bool] = defaultdict(bool)
    for message in messages:
        src, dst = message.src, message.dst
        if src is None or dst is None or message.duplicate_of is not None:
            continue
        if (dst.ip, src.ip) in pairs:
            return False
        pairs[src.ip, dst.ip] = True
        if src.ip == dst.ip:
            return False
        proof[src.ip, dst.ip] |= _answers_something(message)
    return len(messages) > 1 and bool(pairs) and all(proof[pair] for pair in pairs)


def _answers_something(message: Message) -> bool:
    if message.status:
        return True
    return message.method in ("ACK", "PRACK") or bool(message.to_tag) or message.has("Proxy-Authorization")


def inside_nat(messages: list[Message]) -> bool:
    """Whether packets go between a private and a public address: no NAT was between capture and private side."""
    return any(
        message.src is not None and message.dst is not None and is_private(message.src.ip) != is_private(message.dst.ip)
        for message in messages
    )
