"""After an attempt has failed: try the next target, or tell the caller what? (peers.md 2.4; rulings, "Origination
failover".)

Termination. The callee's own word ends the hunt, whatever carrier it came by: a busy callee must never ring again.

    nothing came back, or it never left our box          next
    100 came back, and then nothing (post-dial delay)    next
    401, 407, 403 from a carrier                         next: it refuses us, not the callee
    404, 410, 480, 484, 485, 486, 487, 488, 415, 3xx     stop
    408 before the callee rang                           next; after that: stop
    other 4xx                                            stop: the request itself is at fault
    5xx                                                  next
    6xx                                                  stop
    anything after early media                           stop: the caller has heard something

Origination. Next, except on 400, 404, 405, 410, 416, 482, 484, 486, 487, 6xx, a 408 of a phone that rang, and after
early media.

When nothing is left, or the time for the setup is used up, the caller gets the best answer there was: never a challenge
or a refusal that was meant for us, rather a 4xx than a 5xx, rather any than 503 (RFC 3261 section 16.7, step 6). When
there was none: 503 on termination, 480 on origination. Where the last carrier said 100 and nothing more: 408.
"""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.core.cause import Cause
from trunkline.core.decision import TERMINATION, Answer, Direction


@dataclass(frozen=True, slots=True)
class Failure:
    """How one attempt ended without an answer."""

    status: int
    """Final SIP status, 300 to 699. Kamailio's own 408, 477, 478, 500 … where nothing came back."""
    reason: str = ""
    local: bool = False
    """We made the status ourselves: timer, connection, DNS, TLS. False: it was received."""
    replied: bool = False
    """Anything at all came back, 100 included."""
    progressed: bool = True
    """A provisional response other than 100 came back. False: what came has said nothing of the call."""
    ringing: bool = False
    """An 18x came back."""
    early_media: bool = False
    """An 18x with SDP was passed to the caller."""
    canceled: bool = False
    """The caller gave up."""
    no_common_codec: bool = False
    """The caller's offer has no codec that every network takes (`offered_codecs`), and none of it was taken."""
    no_media_relay: bool = False
    """It could not be sent because nobody would have relayed its media."""
    refused: str = ""
    """Why a challenge was not answered (`carrier_digest`)."""

    @property
    def stalled(self) -> bool:
        """100 came back, and then nothing for as long as the post-dial delay may be (`Settings.pdd_seconds`)."""
        return self.local and self.status == 408 and self.replied and not (self.progressed or self.early_media)


@dataclass(frozen=True, slots=True)
class Next:
    """Advance to the next target."""

    why: str
    """For `attempts.next`: a short sentence without a final stop."""
    best: Answer | None
    """To keep in the plan."""
    attempt_cause: Cause | None = None
    """Set where the failed attempt is an alert of its own (origination: 32011, with `why`)."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Answer the caller; the call is over."""

    status: int
    reason: str
    why: str
    cause: Cause | None = None
    """Set where the platform's view differs from the answer passed on: CARRIERS_EXHAUSTED, ORIGINATION_EXHAUSTED,
    PDD_TIMEOUT."""
    attempt_cause: Cause | None = None


_NEVER_PASSED_ON = frozenset((401, 403, 407, 503))
_NO_COMMON_CODEC = frozenset((415, 488, 606))
_TERMINATION_STOP = {
    404: "the number is unknown",
    410: "the number is gone",
    415: "no common codec",
    480: "the callee is not available",
    484: "the number is incomplete",
    485: "the number is ambiguous",
    486: "the callee is busy",
    488: "no common codec",
}
_ORIGINATION_STOP = {
    400: "the PBX calls the request bad",
    404: "the PBX does not know the number",
    405: "the PBX takes no INVITE",
    410: "the number is gone",
    416: "the PBX does not take this kind of URI",
    482: "a loop",
    484: "the number is incomplete",
    486: "the callee is busy",
}


def after_failure(
    failure: Failure, direction: Direction, remaining: int, best: Answer | None, *, time_is_up: bool = False
) -> Next | Stop:
    """The verdict. `remaining`: targets left; `best`: best answer of the attempts before (`Plan.best`). `time_is_up`:
    the setup has taken as long as it may (`Policy.setup_seconds`)."""
    if failure.canceled:
        return Stop(487, "Request Terminated", "the caller gave up")
    if failure.no_media_relay:
        return _ours(Cause.NO_MEDIA_RELAY, "the media relay does not answer")
    if failure.no_common_codec and failure.status in _NO_COMMON_CODEC and direction == TERMINATION:
        return _ours(Cause.NO_COMMON_CODEC, f"{failure.status}: the offer has neither PCMU nor PCMA")
    termination = direction == TERMINATION
    hunt, why = _termination_verdict(failure) if termination else _origination_verdict(failure)
    if not hunt:
        answer = _passed_on(failure, termination)
        return Stop(answer.status, answer.reason, why)
    attempt_cause = None if termination else Cause.ORIGINATION_ATTEMPT_FAILED
    best = _better(best, failure)
    if remaining > 0 and not time_is_up:
        return Next(why, best, attempt_cause)
    cause = Cause.CARRIERS_EXHAUSTED if termination else Cause.ORIGINATION_EXHAUSTED
    if failure.stalled and termination:
        cause, best = Cause.PDD_TIMEOUT, None
    answer = best or Answer(cause.sip_status, cause.reason)
    end = "the time for the setup is used up" if remaining > 0 else "no target is left"
    return Stop(answer.status, answer.reason, f"{why}; {end}", cause, attempt_cause)


def _ours(cause: Cause, why: str) -> Stop:
    return Stop(cause.sip_status, cause.reason, why, cause)


def _common_verdict(failure: Failure) -> tuple[bool, str] | None:
    """What both directions share; None: look at the direction's own table."""
    status = failure.status
    if failure.early_media:
        return False, f"{status} after early media: the caller has heard something"
    if failure.local and status == 408:
        if not failure.replied:
            return True, "nothing came back in time"
        if failure.stalled:
            return True, "100 came back, and then nothing in time"
        if failure.ringing:
            return False, "the callee did not answer in time"
        return False, "a provisional response came, and then nothing in time"
    if failure.local:
        return True, f"it never left this machine ({status} {failure.reason})".replace(" )", ")")
    if status == 487:
        return False, "487 was received: the callee's side ended the attempt"
    if status == 408:
        return (False, "408 after ringing") if failure.ringing else (True, "408 before ringing")
    if status >= 600:
        return False, f"{status} is the callee's final word"
    return None


def _termination_verdict(failure: Failure) -> tuple[bool, str]:
    common = _common_verdict(failure)
    if common is not None:
        return common
    status = failure.status
    if status < 400:
        return False, f"{status}: carriers may not redirect"
    if status in (401, 407):
        return True, f"{status}: the carrier asks for credentials{f': {failure.refused}' if failure.refused else ''}"
    if status == 403:
        return True, "403: the carrier refuses us"
    if status >= 500:
        return True, f"{status}: the carrier failed"
    return False, f"{status}: {_TERMINATION_STOP.get(status, 'the request itself is at fault')}"


def _origination_verdict(failure: Failure) -> tuple[bool, str]:
    common = _common_verdict(failure)
    if common is not None:
        return common
    status = failure.status
    if status in _ORIGINATION_STOP:
        return False, f"{status}: {_ORIGINATION_STOP[status]}"
    if status < 400:
        return True, f"{status}: the PBX redirects"
    if status in (401, 407):
        return (
            True,
            f"{status}: the PBX asks for credentials, and a trunk never answers that: let it know us by our address",
        )
    return True, f"{status}: the PBX failed" if status >= 500 else f"{status}: the PBX refused"


def _passed_on(failure: Failure, termination: bool) -> Answer:
    """What the caller gets of an answer that ended the hunt."""
    if not 400 <= failure.status <= 699:
        # RFC 3261 section 21.5.3. A 3xx would send the customer to the carrier's other places, and there is no 7xx.
        return Answer(502, "Bad Gateway")
    if failure.status in _NEVER_PASSED_ON and not (termination and failure.status == 503):
        cause = Cause.CARRIERS_EXHAUSTED if termination else Cause.ORIGINATION_EXHAUSTED
        return Answer(cause.sip_status, cause.reason)
    return Answer(failure.status, failure.reason or "Failed")


def _better(best: Answer | None, failure: Failure) -> Answer | None:
    if failure.local or failure.status in _NEVER_PASSED_ON or failure.status < 400:
        return best
    if best is None or failure.status // 100 < best.status // 100:
        return Answer(failure.status, failure.reason or "Failed")
    return best
