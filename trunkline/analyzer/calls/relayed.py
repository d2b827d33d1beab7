"""Legs of a B2BUA that signalling does not join, joined because the audio that goes in on the one comes out on the
other: only where few legs are left, so that it costs next to nothing.

A machine that plays the same music to two callers joins nothing: what counts is audio that comes to it and leaves it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from trunkline.analyzer.calls.sides import side_of
from trunkline.analyzer.media.fingerprint import Fingerprint, in_common
from trunkline.analyzer.model.call import Dialog, JoinReason
from trunkline.analyzer.model.capture import Endpoint
from trunkline.analyzer.model.stream import Stream

SCORE = 0.9
_MOST_LEGS = 32
_SECONDS = 60.0
"""From one INVITE to the next: a menu or a queue may be between them."""
_LONGEST = 0.5
"""Seconds that a machine keeps audio."""
_JITTER = 0.06
_LEAST, _SHARE = 8, 0.5
"""Payloads that come again: so many, and so much of what could."""


@dataclass(slots=True)
class _Leg:
    dialog: Dialog
    time: float
    end: float
    caller_sends: list[Stream] = field(default_factory=list)
    callee_sends: list[Stream] = field(default_factory=list)


def relayed(dialogs: list[Dialog], joins: list[JoinReason], streams: list[Stream]) -> list[JoinReason]:
    """Further joins, for legs that came from nowhere so far."""
    if not any(stream.fingerprint for stream in streams):
        return []
    known = {call_id for reason in joins for call_id in reason.call_ids}
    legs = _legs(dialogs)
    alone = [leg for leg in legs if leg.dialog.call_id not in known]
    if len(legs) < 2 or not alone or len(legs) > _MOST_LEGS:
        return []
    _give_streams(legs, streams)
    found = []
    for leg in alone:
        scored = [(match, one) for one in legs if (match := _match(one, leg)) is not None]
        scored.sort(key=lambda item: -item[0][0])
        if scored and (len(scored) == 1 or scored[0][0][0] > 2 * scored[1][0][0]):
            (count, possible, late), one = scored[0]
            why = f"{count} of {possible} payloads of the one come out on the other, {late * 1000:.0f} ms later"
            found.append(JoinReason((one.dialog.call_id, leg.dialog.call_id), SCORE, (why,)))
    return found


def _legs(dialogs: list[Dialog]) -> list[_Leg]:
    """The first hop of each Call-ID whose INVITE was answered, in the order of the capture."""
    found: dict[str, _Leg] = {}
    for dialog in dialogs:
        invite = next((t.request for t in dialog.invites if t.request is not None and not t.request.to_tag), None)
        times = [message.time for message in dialog.messages if message.time is not None]
        if dialog.kind == "call" and invite is not None and invite.time is not None and times:
            found.setdefault(dialog.call_id, _Leg(dialog, invite.time, max(times)))
    return list(found.values())


def _give_streams(legs: list[_Leg], streams: list[Stream]) -> None:
    by_src: dict[Endpoint, list[Stream]] = defaultdict(list)
    by_dst: dict[Endpoint, list[Stream]] = defaultdict(list)
    for stream in streams:
        if stream.fingerprint:
            by_src[stream.src].append(stream)
            by_dst[stream.dst].append(stream)
    for leg in legs:
        sockets: dict[str, set[Endpoint]] = {"caller": set(), "callee": set()}
        for message in leg.dialog.messages:
            if message.body and message.retransmission_of is None and (sdp := message.sdp) is not None:
                named = {Endpoint(section.address, section.port) for section in sdp.media if section.port}
                sockets[side_of(leg.dialog, message) or "caller"] |= named
        for sends, mine, other in (("caller_sends", "caller", "callee"), ("callee_sends", "callee", "caller")):
            there = [s for end in sorted(sockets[mine]) for s in by_src.get(end, ())]
            there += [s for end in sorted(sockets[other]) for s in by_dst.get(end, ())]
            unique = {id(s): s for s in there if s.first <= leg.end + _SECONDS and s.last >= leg.time}
            setattr(leg, sends, list(unique.values()))


def _match(one: _Leg, two: _Leg) -> tuple[int, int, float] | None:
    """How much of the audio of `one` the machine between them sends on into `two`, or back."""
    if one.dialog.call_id == two.dialog.call_id or not 0 <= two.time - one.time <= _SECONDS or two.time > one.end:
        return None
    onwards = _best(one.caller_sends, two.caller_sends)
    back = _best(two.callee_sends, one.callee_sends)
    proven = [result for result in (onwards, back) if result is not None]
    # Where the machine has an address on each side, both directions have to prove it.
    if not proven or (len(proven) < 2 and not any(result[3] for result in proven)):
        return None
    count, possible, late, _ = max(proven)
    return count, possible, late


def _best(arrive: list[Stream], leave: list[Stream]) -> tuple[int, int, float, bool] | None:
    """The pair of streams with most in common, and whether the same host received the one and sent the other."""
    best: tuple[int, int, float, bool] | None = None
    for into in arrive:
        for out in leave:
            if into is out or into.src.ip == out.src.ip:
                continue
            one: Fingerprint = into.fingerprint
            two: Fingerprint = out.fingerprint
            count, possible, late = in_common(one, two, _LONGEST, _JITTER)
            if count >= _LEAST and count >= _SHARE * possible and (best is None or count > best[0]):
                best = count, possible, late, into.dst.ip == out.src.ip
    return best
