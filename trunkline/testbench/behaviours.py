"""How an agent treats a call that reaches it: a table of small classes, each one way a callee can be.

A behaviour is frozen and shared by all its calls; what varies per call lives in the call. Each gets the call when its
INVITE comes,
and every digit later. A new way to be (a fault, say) is a new class and a row in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from trunkline.testbench.call_plan import check_media

Q850_CAUSES = {
    404: 1,
    480: 18,
    484: 28,
    486: 17,
    487: 16,
    488: 65,
    500: 41,
    502: 38,
    503: 41,
    504: 102,
    600: 17,
    603: 21,
    604: 1,
}
"""SIP status → Q.850 cause, for the Reason header a carrier's switch adds (RFC 3326; the values are RFC 3398 section
8.2.6.1 read backwards).
"""


class ReceivedCall(Protocol):
    """What a behaviour may do with a call. Times in seconds; the callables run only while the call exists."""

    def ring(self, sip_status: int = 180) -> None: ...
    def early(self, media: str) -> None:
        """Send 183 with SDP and start `media`."""

    def answer(self, media: str) -> None:
        """Send 200 and start `media`."""

    def refuse(self, sip_status: int, headers: Mapping[str, str]) -> None: ...
    def hang_up(self) -> None: ...
    def send_digits(self, digits: str) -> None: ...
    def after(self, seconds: float, action: Callable[[], None]) -> None: ...
    def received_digits(self) -> str: ...


class Behaviour:
    """One way to be called."""

    def invited(self, call: ReceivedCall) -> None:
        """The INVITE is here; PJSIP has sent 100."""
        raise NotImplementedError

    def digit(self, call: ReceivedCall, digit: str) -> None:
        """An RFC 4733 digit ended. Most do not care."""


@dataclass(frozen=True, slots=True)
class AnswerCall(Behaviour):
    """Ring, perhaps with early media, then answer, perhaps hang up."""

    media: str = "echo"
    """echo, silence, none (no RTP at all), or tone:HZ."""
    ring: bool = True
    """Send 180 first."""
    answer_after: float = 0.0
    hang_up_after: float | None = None
    early_media: str | None = None
    """When set: 183 with SDP and this media until the answer."""

    def __post_init__(self) -> None:
        check_media(self.media)
        if self.early_media is not None:
            check_media(self.early_media)

    def invited(self, call: ReceivedCall) -> None:
        if self.early_media is not None:
            call.early(self.early_media)
        elif self.ring:
            call.ring()
        call.after(self.answer_after, lambda: self._answer(call))

    def _answer(self, call: ReceivedCall) -> None:
        call.answer(self.media)
        if self.hang_up_after is not None:
            call.after(self.hang_up_after, call.hang_up)


@dataclass(frozen=True, slots=True)
class ReadDigitsBack(Behaviour):
    """Answer, collect digits, send the same digits back once the caller pauses or presses #."""

    pause: float = 1.0

    def invited(self, call: ReceivedCall) -> None:
        call.ring()
        call.answer("silence")

    def digit(self, call: ReceivedCall, digit: str) -> None:
        so_far = call.received_digits()

        def paused() -> None:
            if call.received_digits() == so_far:
                call.send_digits(_since_last_hash(so_far))

        call.after(0.0 if digit == "#" else self.pause, paused)


def _since_last_hash(digits: str) -> str:
    """The digits not read back yet: what follows the # before the last one.

    >>> _since_last_hash("12#34#"), _since_last_hash("12"), _since_last_hash("12#")
    ('34#', '12', '12#')
    """
    return digits[digits.rstrip("#").rfind("#") + 1 :]


@dataclass(frozen=True, slots=True)
class RefuseCall(Behaviour):
    """A final failure, at once or after ringing."""

    sip_status: int = 486
    refuse_after: float = 0.0
    ring: bool = False
    headers: Mapping[str, str] | None = None
    early_media: str | None = None
    """When set: 183 with SDP and this media until the refusal."""

    def __post_init__(self) -> None:
        if self.early_media is not None:
            check_media(self.early_media)
        if not 300 <= self.sip_status <= 699:
            raise ValueError(f"sip_status {self.sip_status}: a refusal has 300 to 699")

    def invited(self, call: ReceivedCall) -> None:
        if self.early_media is not None:
            call.early(self.early_media)
        elif self.ring:
            call.ring()
        call.after(self.refuse_after, lambda: call.refuse(self.sip_status, self.headers or {}))


@dataclass(frozen=True, slots=True)
class RingForever(Behaviour):
    """180, then nothing until the caller cancels."""

    def invited(self, call: ReceivedCall) -> None:
        call.ring()


@dataclass(frozen=True, slots=True)
class TryForever(Behaviour):
    """100, then nothing until the caller cancels."""

    def invited(self, call: ReceivedCall) -> None:
        """PJSIP has sent the 100."""


KINDS: Mapping[str, type[Behaviour]] = {
    "answer": AnswerCall,
    "digits": ReadDigitsBack,
    "refuse": RefuseCall,
    "ring": RingForever,
    "try": TryForever,
}


def behaviour_from_json(spec: Mapping[str, Any]) -> Behaviour:
    """`{"kind": "answer", "media": "echo"}` → a behaviour. ValueError names what does not fit."""
    options = dict(spec)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"behaviour kind {kind!r}: use one of {', '.join(KINDS)}")
    known = {entry.name for entry in fields(KINDS[kind])}  # type: ignore[arg-type]
    if unknown := sorted(options.keys() - known):
        raise ValueError(
            f"behaviour {kind}: no option {', '.join(unknown)}; it has {', '.join(sorted(known)) or 'none'}"
        )
    return KINDS[kind](**options)
