"""Everything that was read to a `Trace`: messages, dialogs, calls, and the media that belong to them."""

from __future__ import annotations

from trunkline.analyzer.calls.capture_facts import capture_end, capture_start, inside_nat, one_sided
from trunkline.analyzer.calls.dialogs import dialogs as dialogs_of
from trunkline.analyzer.calls.duplicates import mark_duplicates
from trunkline.analyzer.calls.facing import set_facing
from trunkline.analyzer.calls.legs import join
from trunkline.analyzer.calls.media_match import match_media
from trunkline.analyzer.calls.relayed import relayed
from trunkline.analyzer.calls.status import set_status
from trunkline.analyzer.garbage import no_collection
from trunkline.analyzer.limits import Limits
from trunkline.analyzer.model.call import Call, Dialog, JoinReason
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.stream import Media
from trunkline.analyzer.model.trace import Options, Trace
from trunkline.analyzer.profiles.recognise import recognise
from trunkline.analyzer.sip import kept
from trunkline.analyzer.sip.parser import parse_message


def build_trace(capture: Capture, media: Media, options: Options, limits: Limits | None = None) -> Trace:
    """Raises ProfileInvalid if `options.provider` names none; no input makes it raise anything else."""
    with no_collection():
        try:
            return _build(capture, media, options, limits or Limits())
        finally:
            kept.forget()


def _build(capture: Capture, media: Media, options: Options, limits: Limits) -> Trace:
    messages = [parse_message(raw, index, limits) for index, raw in enumerate(capture.messages)]
    mark_duplicates(messages)
    start, end = capture_start(capture, media), capture_end(capture, media)
    if options.profile is not None:
        profile, why = options.profile, "given"
    else:
        profile, why = recognise(messages, options.provider)
    found = dialogs_of(messages, end)
    set_facing(found, profile, capture, options)
    calls = _calls(found, media)
    trace = Trace(capture, messages, found, calls, media, profile, why, options, start=start, end=end)
    trace.one_sided = one_sided(messages)
    trace.inside_nat = inside_nat(messages)
    match_media(calls, media)
    return trace


def _calls(dialogs: list[Dialog], media: Media) -> list[Call]:
    """Hops that share a Call-ID, or whose Call-IDs were joined, are one call; in the order of their first message."""
    joins = join(dialogs)
    joins += relayed(dialogs, joins, media.streams)
    for stream in media.streams:
        stream.fingerprint = None
    root: dict[str, str] = {}

    def top(call_id: str) -> str:
        while (above := root.get(call_id, call_id)) != call_id:
            call_id = above
        return call_id

    for reason in joins:
        one, two = map(top, reason.call_ids)
        if one != two:
            root[two] = one
    by_root: dict[str, list[Dialog]] = {}
    for dialog in dialogs:
        by_root.setdefault(top(dialog.call_id), []).append(dialog)
    calls = []
    reasons: dict[str, list[JoinReason]] = {}
    for reason in joins:
        reasons.setdefault(top(reason.call_ids[0]), []).append(reason)
    for number, (call_id, hops) in enumerate(by_root.items(), 1):
        call = Call(f"c{number}", hops[0].kind, hops, "", "", joined=reasons.get(call_id, []))
        set_status(call)
        calls.append(call)
    return calls


def messages_of(capture: Capture, limits: Limits | None = None) -> list[Message]:
    """Only the messages, for those who need no calls (redaction)."""
    return [parse_message(raw, index, limits or Limits()) for index, raw in enumerate(capture.messages)]
