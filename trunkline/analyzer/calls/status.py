"""What became of a call: status, times, who ended it, read from its hops."""

from __future__ import annotations

from trunkline.analyzer.calls.sides import Side
from trunkline.analyzer.model.call import Call, CallStatus, Dialog, Transaction
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.sip.address import read_uri

_BUSY = (486, 600)
_NOT_THERE = (408, 480)
_CHALLENGES = (401, 407)


def set_status(call: Call) -> None:
    """Fills in everything of `call` but its dialogs, joins and streams."""
    first = call.dialogs[0]
    opening = _opening(first)
    call.started = first.messages[0].time
    call.caller, call.called = _numbers(opening)
    if call.kind == "call":
        _call_status(call, first)
    else:
        _other_status(call, first)


def _opening(dialog: Dialog) -> Message:
    for message in dialog.messages:
        if message.is_request and message.method not in ("ACK", "CANCEL"):
            return message
    return dialog.messages[0]


def _numbers(message: Message) -> tuple[str, str]:
    caller = message.from_.user or message.from_.host if message.from_ is not None else ""
    called = ""
    if message.ruri:
        called = read_uri(message.ruri)[1]
    if not called and message.to is not None:
        called = message.to.user or message.to.host
    return caller, called


def last_initial_invite(dialog: Dialog) -> Transaction | None:
    """The last INVITE that was to begin the call: tries with credentials count, re-INVITEs do not."""
    last = None
    for invite in dialog.invites:
        if invite.request is not None and not invite.request.to_tag:
            final = invite.final
            if final is not None and final.status < 300:
                return invite
            last = invite
    return last or next((invite for invite in dialog.invites if invite.request is None), None)


def _tried(call: Call, first: Dialog) -> Dialog:
    """The try that decides: a client whose first target refuses may try the next with the same Call-ID (RFC 3263)."""
    if len(call.dialogs) == 1:
        return first
    tries = [
        dialog
        for dialog in call.dialogs
        if dialog.call_id == first.call_id and _same_host(dialog, first) and last_initial_invite(dialog) is not None
    ]
    for dialog in tries:
        invite = last_initial_invite(dialog)
        if invite is not None and invite.final is not None and invite.final.status < 300:
            return dialog
    return tries[-1] if tries else first


def _same_host(one: Dialog, two: Dialog) -> bool:
    return one.caller is not None and two.caller is not None and one.caller.ip == two.caller.ip


def _call_status(call: Call, first: Dialog) -> None:
    first = _tried(call, first)
    invite = last_initial_invite(first)
    if invite is None:
        _without_invite(call, first)
        return
    for dialog in call.dialogs:
        _ringing(call, dialog)
    final = invite.final or _answer_elsewhere(call, first, invite)
    if final is not None:
        call.final_status, call.final_reason = final.status, final.reason
    if final is not None and final.status < 300:
        call.answered = final.time
        call.status = "in_progress"
        _ended(call, first)
        for dialog in call.dialogs[1:]:
            # Past the proxy, or lost on the way between two legs: what any hop has seen of the end counts.
            if call.ended is None and dialog.call_id == first.call_id:
                _ended(call, dialog)
    else:
        call.status = _unanswered(call, first, invite)
        if final is not None:
            call.ended = final.time
            canceled = invite.cancel is not None or final.status == 487
            call.ended_by = "caller" if canceled else "callee"
        elif invite.cancel is not None:
            call.ended, call.ended_by = invite.cancel.time, "caller"


def _answer_elsewhere(call: Call, first: Dialog, invite: Transaction) -> Message | None:
    """The 2xx that this hop's capture lacks and a later hop's has. It was passed on, for there is an ACK."""
    if not invite.ack:
        return None
    for dialog in call.dialogs:
        if dialog is not first and dialog.call_id == first.call_id:
            other = last_initial_invite(dialog)
            if other is not None and other.final is not None and other.final.status < 300:
                return other.final
    return None


def _ringing(call: Call, dialog: Dialog) -> None:
    for transaction in dialog.invites:
        for message in transaction.responses:
            if 180 <= message.status < 190 and message.time is not None:
                if call.ringing is None or message.time < call.ringing:
                    call.ringing = message.time
                return


def _unanswered(call: Call, first: Dialog, invite: Transaction) -> CallStatus:
    final = invite.final
    rang = call.ringing is not None or any(180 <= m.status < 190 for m in invite.responses)
    if final is None:
        if invite.cancel is not None:
            return "canceled"
        if first.cut_by_end:
            return "in_progress" if invite.responses else "unknown"
        return "no_answer" if rang else "no_response"
    status = final.status
    if status in _BUSY:
        return "busy"
    if status == 487 or (invite.cancel is not None and status in _NOT_THERE):
        return "canceled"
    if status in _NOT_THERE:
        return "no_answer" if rang or status == 480 else "failed"
    return "refused" if status < 500 or status >= 600 else "failed"


def _ended(call: Call, first: Dialog) -> None:
    bye = next((t for t in first.transactions if t.method == "BYE" and t.request is not None), None)
    if bye is None or bye.request is None:
        answer = next((t for t in first.transactions if t.method == "BYE"), None)
        if answer is not None:
            call.status, call.ended = "completed", answer.responses[0].time
        return
    call.status, call.ended = "completed", bye.request.time
    call.ended_by = _who(call.dialogs[0], bye.request)


def _who(dialog: Dialog, message: Message) -> Side:
    """Whose request this is: by tags, which a proxy in between passes on; empty where neither tag nor address tells."""
    if dialog.from_tag and message.from_tag == dialog.from_tag:
        return "caller"
    if message.from_tag and message.from_tag in dialog.to_tags:
        return "callee"
    if message.src is not None and dialog.caller is not None and dialog.callee is not None:
        return "caller" if message.src.ip == dialog.caller.ip else "callee"
    return ""


def _without_invite(call: Call, first: Dialog) -> None:
    """The capture begins within the call: only its end is known."""
    _ended(call, first)
    if call.status == "unknown" and any(t.method in ("UPDATE", "INFO", "ACK") for t in first.transactions):
        call.status = "in_progress"
    # Who is caller and who callee was decided before; without the INVITE it is a guess.
    call.ended_by = ""


def _other_status(call: Call, first: Dialog) -> None:
    finals = [t.final for t in first.transactions if t.final is not None]
    real = [m for m in finals if m.status not in _CHALLENGES] or finals
    last = first.messages[-1]
    call.ended = last.time
    if not real:
        answered = any(t.responses for t in first.transactions)
        call.status = "unknown" if answered or first.cut_by_end else "no_response"
        return
    call.final_status, call.final_reason = real[-1].status, real[-1].reason
    status = real[-1].status
    call.status = "completed" if status < 300 else "failed" if 500 <= status < 600 else "refused"
