"""Hops with different Call-IDs to calls: the two legs of a B2BUA, found without configuration.

A wrong join is worse than a missing one. So a join needs either a header in which one leg names the other, or a machine
that received the one and at once sent the other, with numbers that agree and answers that follow each other; and where
two legs fit nearly as well, none is taken.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

from trunkline.analyzer.calls.status import last_initial_invite
from trunkline.analyzer.model.call import Dialog, JoinReason, Transaction
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.sip.address import read_uri

JOINED_FROM = 0.6
_SECONDS = 3.0
_CLEARLY_BETTER = 0.15
_FOLLOWS = 0.25
"""Seconds in which a B2BUA passes an answer on."""
_SUFFIX = 7
_NAMES_OTHER = ("X-CID", "X-Call-ID", "X-Original-Call-ID", "X-Orig-Call-ID", "X-Asterisk-Uniqueid")
_SUFFIXES = ("_b2b-1", "_pbx-1", "-b2b-1", "_b2b-2", "_pbx-2")
_MOST_CANDIDATES = 64


class Leg:
    """What of a hop is compared."""

    __slots__ = (
        "called",
        "called_text",
        "caller",
        "dialog",
        "finished",
        "hung_up",
        "invite",
        "last_invite",
        "media",
        "request",
        "ringing",
        "session",
        "time",
    )

    def __init__(self, dialog: Dialog, invite: Transaction, request: Message) -> None:
        self.dialog = dialog
        self.invite = invite
        self.request = request
        self.time = request.time
        self.called_text = _user_of_ruri(request)
        self.called = _digits(self.called_text)
        self.caller = _digits(request.from_.user if request.from_ is not None else "")
        self.session = _session_ids(dialog)
        sdp = request.sdp if request.body else None
        self.media = {(section.address, section.port) for section in sdp.media if section.port} if sdp else set()
        last = last_initial_invite(dialog)
        final = last.final if last is not None else None
        self.finished = final.time if final is not None else None
        # A leg that was challenged first goes on from its last INVITE.
        again = last.request.time if last is not None and last.request is not None else None
        self.last_invite = self.time if again is None else again
        self.ringing = _ringing_time(dialog)
        self.hung_up = _bye_time(dialog)


def join(dialogs: list[Dialog]) -> list[JoinReason]:
    """Joins of Call-IDs with a score of 0.6 or more; a leg has at most one that it came from, and may fork to many."""
    legs = [leg for dialog in dialogs if dialog.kind == "call" and (leg := _leg(dialog)) is not None]
    named = _named(legs)
    by_host: dict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        machine = _machine(leg, arrived=True)
        if machine and leg.time is not None:
            by_host[machine].append(leg)
    received = {(dialog.call_id, dialog.callee.ip): dialog for dialog in reversed(dialogs) if dialog.callee is not None}
    found: list[JoinReason] = []
    for leg in legs:
        reason = named.get(leg.dialog.call_id)
        if reason is None and not _passed_on(leg, received):
            reason = _best(leg, by_host)
        if reason is not None:
            found.append(reason)
    return found


def _passed_on(leg: Leg, received: dict[tuple[str, str], Dialog]) -> bool:
    """Whether its sender had received this very Call-ID: a proxy, which makes no leg of its own."""
    caller = leg.dialog.caller
    before = received.get((leg.dialog.call_id, caller.ip)) if caller is not None else None
    return before is not None and before is not leg.dialog


def _machine(leg: Leg, *, arrived: bool) -> str:
    """Who received the leg, or sent it. What writes a log is one machine, whatever address it shows to whom."""
    raw = leg.request.raw
    if raw.source == "text" and raw.sent_by_us is (not arrived):
        return f"log {raw.place.file}"
    endpoint = leg.dialog.callee if arrived else leg.dialog.caller
    return endpoint.ip if endpoint is not None else ""


def _leg(dialog: Dialog) -> Leg | None:
    invite = next((t for t in dialog.invites if t.request is not None and not t.request.to_tag), None)
    return Leg(dialog, invite, invite.request) if invite is not None and invite.request is not None else None


def _user_of_ruri(request: Message) -> str:
    return read_uri(request.ruri)[1]


def _digits(text: str) -> str:
    plain = text.removeprefix("+")
    if plain.isascii() and plain.isdigit():
        return plain
    return "".join(char for char in text if char.isascii() and char.isdigit())


def _session_ids(dialog: Dialog) -> frozenset[str]:
    """UUIDs of Session-ID (RFC 7989), without the nil one."""
    found = set()
    for message in dialog.messages[:6]:
        value = message.value("Session-ID")
        if value:
            local, _, params = value.partition(";")
            remote = params.strip().removeprefix("remote=") if params.strip().startswith("remote=") else ""
            found |= {uuid.strip().lower() for uuid in (local, remote) if len(uuid.strip()) == 32}
    return frozenset(uuid for uuid in found if uuid.strip("0"))


def _named(legs: list[Leg]) -> dict[str, JoinReason]:
    """Legs that say themselves what they belong to: Call-ID of the later one to the reason."""
    by_call_id = {leg.dialog.call_id: leg for leg in legs}
    first_of: dict[str, Leg] = {}
    found: dict[str, JoinReason] = {}
    for leg in legs:
        call_id = leg.dialog.call_id
        why = ""
        other = _other_named(leg, by_call_id)
        if other is not None:
            other_leg, why = other
        else:
            other_leg = None
            for key, text in _shared_keys(leg):
                earlier = first_of.setdefault(key, leg)
                if earlier.dialog.call_id != call_id and _near(earlier, leg, 60.0):
                    other_leg, why = earlier, text
                    break
        if other_leg is not None and call_id not in found:
            found[call_id] = JoinReason((other_leg.dialog.call_id, call_id), 1.0, (why,))
    return found


def _other_named(leg: Leg, by_call_id: dict[str, Leg]) -> tuple[Leg, str] | None:
    call_id = leg.dialog.call_id
    for header in _NAMES_OTHER:
        named = leg.request.value(header)
        if named and named != call_id and named in by_call_id:
            return by_call_id[named], f"{header} names the other Call-ID"
    for suffix in _SUFFIXES:
        stem = call_id.removesuffix(suffix)
        if stem != call_id and stem in by_call_id:
            return by_call_id[stem], f"the Call-ID is the other one with {suffix}"
    replaced = leg.request.value("Replaces").partition(";")[0].strip()
    if replaced and replaced != call_id and replaced in by_call_id:
        return by_call_id[replaced], "Replaces names the other Call-ID"
    return None


def _shared_keys(leg: Leg) -> list[tuple[str, str]]:
    keys = [(f"session {uuid}", "both have the same Session-ID (RFC 7989)") for uuid in sorted(leg.session)]
    correlation = leg.request.raw.correlation_id
    if correlation and correlation != leg.dialog.call_id:
        where = "the HEP capture agent" if leg.request.raw.source == "hep" else "the log"
        keys.append((f"correlation {correlation}", f"{where} gives both the same correlation id"))
    return keys


def _near(one: Leg, two: Leg, seconds: float) -> bool:
    return one.time is None or two.time is None or abs(two.time - one.time) <= seconds


def _best(leg: Leg, by_host: dict[str, list[Leg]]) -> JoinReason | None:
    """The leg that arrived at the machine that sent this one, if one fits clearly better than all others."""
    if leg.time is None:
        return None
    arrived = by_host.get(_machine(leg, arrived=False), [])
    # Legs are in the order of the capture; those of the last three seconds are looked at.
    end = bisect_left(arrived, leg.request.index, key=lambda other: other.request.index)
    scored: list[tuple[float, tuple[str, ...], Leg]] = []
    for other in reversed(arrived[max(0, end - _MOST_CANDIDATES) : end]):
        if other.last_invite is None or leg.time - other.last_invite > _SECONDS:
            continue
        score, why = _score(other, leg)
        if score > 0:
            scored.append((score, why, other))
    if not scored:
        return None
    scored.sort(key=lambda item: -item[0])
    score, why, other = scored[0]
    if score < JOINED_FROM or (len(scored) > 1 and score - scored[1][0] < _CLEARLY_BETTER):
        return None
    return JoinReason((other.dialog.call_id, leg.dialog.call_id), round(min(score, 1.0), 2), why)


def _score(one: Leg, two: Leg) -> tuple[float, tuple[str, ...]]:
    """`one` arrived at the machine that sent `two`."""
    assert one.time is not None
    assert two.time is not None
    if one.dialog.call_id == two.dialog.call_id or two.time < one.time:
        return 0.0, ()
    if one.finished is not None and one.finished < two.time:
        return 0.0, ()
    if one.dialog.caller is not None and one.dialog.caller == two.dialog.caller:
        return 0.0, ()  # a telephone that makes two calls (a conference) through a server on its own machine
    if one.dialog.caller is not None and one.dialog.caller == two.dialog.callee and one.called_text == two.called_text:
        # It would have been sent back to where it came from.
        return 0.0, ()
    why = ["the same machine received the one and sent the other", f"{two.time - one.time:.3f} s apart"]
    score = 0.3 if two.time - one.time < 0.5 else 0.2
    called, text = _numbers(one.called, two.called, "called")
    calling, text_calling = _numbers(one.caller, two.caller, "calling")
    score += called + calling
    why += [part for part in (text, text_calling) if part]
    if one.media & two.media:
        score += 0.3
        why.append("the same media address and port in both offers")
    followed = _followed(one, two)
    score += 0.15 * followed
    if followed:
        why.append(f"{followed} answers of the one follow those of the other within {_FOLLOWS:g} s")
    # Time alone proves nothing on a busy machine: numbers, media or answers must agree too.
    if called + calling == 0 and not one.media & two.media and followed < 2:
        return 0.0, ()
    return score, tuple(why)


def _numbers(one: str, two: str, which: str) -> tuple[float, str]:
    if len(one) >= _SUFFIX and len(two) >= _SUFFIX and one[-_SUFFIX:] == two[-_SUFFIX:]:
        return 0.3, f"the same {which} number"
    if one and one == two:
        return 0.15, f"the same {which} number"
    return 0.0, ""


def _followed(one: Leg, two: Leg) -> int:
    """How many of ringing, answer or refusal, and BYE came on `two` and shortly after on `one` (BYE: either way)."""
    count = 0
    for first, second in ((two.ringing, one.ringing), (two.finished, one.finished)):
        if first is not None and second is not None and 0 <= second - first < _FOLLOWS:
            count += 1
    if one.hung_up is not None and two.hung_up is not None and abs(one.hung_up - two.hung_up) < _FOLLOWS:
        count += 1
    return count


def _ringing_time(dialog: Dialog) -> float | None:
    for invite in dialog.invites:
        for message in invite.responses:
            if 180 <= message.status < 190:
                return message.time
    return None


def _bye_time(dialog: Dialog) -> float | None:
    for transaction in dialog.transactions:
        if transaction.method == "BYE" and transaction.request is not None:
            return transaction.request.time
    return None
