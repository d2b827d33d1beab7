"""RTP streams to calls: by the SDP of either side; else by its ICE candidates (RFC 8839); else because the other
direction of the same two sockets was matched (the peer was latched onto); else by time and signalling address where
only one call fits. The last is a guess and says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass

from trunkline.analyzer.calls.sides import side_of
from trunkline.analyzer.model.call import Call, Dialog
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.message import Message, SdpMedia
from trunkline.analyzer.model.stream import Media, Stream

_BEFORE = 2.0
_AFTER = 35.0
"""Seconds that media may go on behind the last message: the peer of a lost BYE gives up after 32."""
_OPEN_END = 24 * 3600.0
_FIRST_DYNAMIC = 96


@dataclass(slots=True)
class Described:
    """One socket that an SDP names."""

    call: Call
    dialog: Dialog
    by_caller: bool
    """The caller's side receives there (and, as a rule, sends from there)."""
    message: Message
    section: SdpMedia


@dataclass(slots=True)
class _Span:
    call: Call
    dialog: Dialog
    begin: float
    end: float


def match_media(calls: list[Call], media: Media) -> None:
    """Sets `call`, `match`, `from_caller` of the streams and `streams` of the calls, then names the codecs."""
    if not media.streams and not media.doubtful:
        return
    from trunkline.analyzer.media.payload_types import release

    spans = {id(dialog): _span(call, dialog) for call in calls if call.kind == "call" for dialog in call.dialogs}
    described = _described(calls)
    sockets: dict[Endpoint, list[Described]] = defaultdict(list)
    for item in described:
        sockets[Endpoint(item.section.address, item.section.port)].append(item)
    _confirm_doubtful(media, sockets, spans)
    by_id = {call.id: call for call in calls}
    for stream in media.streams:
        _by_sdp(stream, sockets, spans)
    if any(stream.call is None for stream in media.streams):
        _add_candidates(sockets, described)
        for stream in media.streams:
            if stream.call is None:
                _by_sdp(stream, sockets, spans)
    _by_latch(media.streams)
    _by_time(media.streams, list(spans.values()), described)
    for number, stream in enumerate(media.streams):
        if stream.call is not None:
            by_id[stream.call].streams.append(number)
    name_codecs(media, described)
    release(media)


def _span(call: Call, dialog: Dialog) -> _Span | None:
    times = [message.time for message in dialog.messages if message.time is not None]
    if not times:
        return None
    ended = any(t.method == "BYE" for t in dialog.transactions) or call.status not in ("in_progress", "unknown")
    return _Span(call, dialog, times[0] - _BEFORE, times[-1] + (_AFTER if ended else _OPEN_END))


def _described(calls: list[Call]) -> list[Described]:
    """All sockets that SDP names, in the order of the calls."""
    found: list[Described] = []
    for call in calls:
        for dialog in call.dialogs:
            for message in dialog.messages:
                if not message.body or message.retransmission_of is not None or (sdp := message.sdp) is None:
                    continue
                by_caller = side_of(dialog, message) == "caller"
                found += [
                    Described(call, dialog, by_caller, message, section)
                    for section in sdp.media
                    if section.port and section.address
                ]
    return found


def _confirm_doubtful(media: Media, sockets: dict[Endpoint, list[Described]], spans: dict[int, _Span | None]) -> None:
    """One or two packets that look like RTP are a stream if an SDP of that time names one of their ports."""
    named: list[Stream] = []
    for stream in media.doubtful:
        items = sockets.get(stream.dst, []) + sockets.get(stream.src, [])
        if any(_fits(spans.get(id(item.dialog)), stream) >= 0 for item in items):
            named.append(stream)
    if named:
        media.streams = sorted([*media.streams, *named], key=lambda stream: stream.first)
        media.doubtful = [stream for stream in media.doubtful if stream not in named]


def _fits(span: _Span | None, stream: Stream) -> float:
    """Seconds of the stream within the dialog's time; below 0: none. No time at all counts as little."""
    if span is None:
        return 0.001
    return min(span.end, stream.last) - max(span.begin, stream.first)


def _by_sdp(stream: Stream, sockets: dict[Endpoint, list[Described]], spans: dict[int, _Span | None]) -> None:
    to, sent = sockets.get(stream.dst, []), sockets.get(stream.src, [])
    best: tuple[float, float, int] | None = None
    chosen: tuple[Described, bool] | None = None
    from_dialogs = {(id(found.dialog), found.by_caller) for found in sent}
    for found, received in [(item, True) for item in to] + [(item, False) for item in sent]:
        overlap = _fits(spans.get(id(found.dialog)), stream)
        if overlap < 0:
            continue
        # Both ends named by one dialog is more than one; then the longer overlap, then the earlier hop.
        both = received and (id(found.dialog), not found.by_caller) in from_dialogs
        rank = (2.0 if both else 1.0 if received else 0.0, overlap, -found.message.index)
        if best is None or rank > best:
            best, chosen = rank, (found, received)
    if chosen is not None:
        found, received = chosen
        stream.call, stream.match = found.call.id, "sdp"
        stream.from_caller = not found.by_caller if received else found.by_caller


def _add_candidates(sockets: dict[Endpoint, list[Described]], described: list[Described]) -> None:
    """The sockets for RTP (component 1) that ICE may choose in the place of the one in m= and c=."""
    for item in described:
        for attribute in item.section.attributes:
            if not attribute.startswith("candidate:"):
                continue
            words = attribute.split()
            if len(words) > 5 and words[1] == "1" and words[2].upper() == "UDP" and words[5].isdecimal():
                sockets[Endpoint(words[4], int(words[5]))].append(item)


def _by_latch(streams: list[Stream]) -> None:
    """The other direction between the same two sockets, near in time."""
    matched: dict[tuple[Endpoint, Endpoint], list[Stream]] = defaultdict(list)
    for stream in streams:
        if stream.call is not None:
            matched[stream.src, stream.dst].append(stream)
    for stream in streams:
        if stream.call is not None:
            continue
        for other in matched.get((stream.dst, stream.src), []):
            if stream.first <= other.last + _AFTER and other.first <= stream.last + _AFTER:
                stream.call, stream.match = other.call, "latched"
                stream.from_caller = None if other.from_caller is None else not other.from_caller
                break


def _by_time(streams: list[Stream], spans: list[_Span | None], described: list[Described]) -> None:
    """One end has the signalling address of one side of the only call that was up: a guess. A payload type that no SDP
    of the call names is of another program on the same machine (a meeting in a browser).
    """
    rest = [stream for stream in streams if stream.call is None]
    if not rest:
        return
    named: dict[str, set[int]] = defaultdict(set)
    for item in described:
        named[item.call.id].update(int(text) for text in item.section.formats if text.isascii() and text.isdigit())
    by_host: dict[str, list[_Span]] = defaultdict(list)
    for span in sorted((s for s in spans if s is not None), key=lambda s: s.begin):
        for endpoint in (span.dialog.caller, span.dialog.callee):
            if endpoint is not None:
                by_host[endpoint.ip].append(span)
    for stream in rest:
        _guess(stream, by_host, named)


def _guess(stream: Stream, by_host: dict[str, list[_Span]], named: dict[str, set[int]]) -> None:
    hosts = {stream.src.ip, stream.dst.ip}
    candidates: dict[str, _Span] = {}
    for host in sorted(hosts):
        spans = by_host.get(host, [])
        for span in spans[: bisect_right(spans, stream.first, key=lambda s: s.begin)]:
            if stream.first <= span.end:
                candidates.setdefault(span.call.id, span)
            if len(candidates) > 1:
                return
    for span in candidates.values():
        if (types := named.get(span.call.id)) and types.isdisjoint(stream.payload_types):
            return
        caller, callee = span.dialog.caller, span.dialog.callee
        stream.call, stream.match = span.call.id, "time"
        if caller is not None and callee is not None and caller.ip != callee.ip:
            if stream.src.ip == caller.ip or stream.dst.ip == callee.ip:
                stream.from_caller = True
            elif stream.src.ip == callee.ip or stream.dst.ip == caller.ip:
                stream.from_caller = False


def name_codecs(media: Media, described: list[Described]) -> None:
    """Hands the receiver's payload types to `media`: a payload type means what its receiver said (RFC 3264 5.1). Where
    the receiver's SDP was not captured, the sender's own is the next best.
    """
    from trunkline.analyzer.media.payload_types import apply_payload_types

    by_call: dict[str, list[Described]] = defaultdict(list)
    for item in described:
        by_call[item.call.id].append(item)
    maps: dict[int, dict[int, tuple[str, int]]] = {}
    for number, stream in enumerate(media.streams):
        if stream.call is not None and not all(kind < _FIRST_DYNAMIC for kind in stream.payload_types):
            maps[number] = _types_for(stream, by_call[stream.call])
    apply_payload_types(media, {number: types for number, types in maps.items() if types})


def _types_for(stream: Stream, described: list[Described]) -> dict[int, tuple[str, int]]:
    """Payload types by what is known best: last the socket that receives, then its side, then the sender's side."""
    types: dict[int, tuple[str, int]] = {}
    receiver_is_caller = None if stream.from_caller is None else not stream.from_caller
    ranked: list[tuple[int, int, Described]] = []
    for item in described:
        exact = (item.section.address, item.section.port) == stream.dst
        same_side = item.by_caller == receiver_is_caller
        ranked.append((2 if exact else 1 if same_side else 0, item.message.index, item))
    ranked.sort(key=lambda entry: entry[:2])
    for _, _, item in ranked:
        for kind, (name, clock, _channels) in item.section.rtpmap.items():
            types[kind] = (name, clock)
    return types
