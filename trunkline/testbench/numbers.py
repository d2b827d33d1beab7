"""The simulated PSTN's numbers: which called number does what. One table; the command, the docs and the tests read it.

The last three digits of the fixed numbers are a SIP status, a frequency or a mnemonic. In the families, NN is seconds
and SSS a status.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.testbench.behaviours import AnswerCall, Behaviour, ReadDigitsBack, RefuseCall, RingForever, TryForever

ECHO_NUMBER = "+15550100000"


@dataclass(frozen=True, slots=True)
class Listing:
    """One number, or a family of numbers, and what happens when it is called."""

    number: str
    """E.164; N or S stand for digits that say how."""
    does: str
    build: Callable[[int], Behaviour]
    """The N or S digits as an integer (0 for a fixed number) → the behaviour."""

    @property
    def pattern(self) -> re.Pattern[str]:
        text = re.escape(self.number).replace("NN", "([0-9]{2})").replace("SSS", "([4-6][0-9]{2})")
        return re.compile(text)


def _fixed(number: str, does: str, behaviour: Behaviour) -> Listing:
    return Listing(number, does, lambda _: behaviour)


NUMBERS: tuple[Listing, ...] = (
    _fixed(ECHO_NUMBER, "answers at once and echoes what it hears", AnswerCall(media="echo")),
    _fixed("+15550100440", "answers at once and plays a 440 Hz tone", AnswerCall(media="tone:440")),
    _fixed(
        "+15550100733", "answers, collects RFC 4733 digits, sends them back after # or a pause of 1 s", ReadDigitsBack()
    ),
    _fixed("+15550100001", "answers and never sends RTP", AnswerCall(media="none")),
    _fixed(
        "+15550100183",
        "early media (183 with SDP, 440 Hz) for 1 s, then answers with an echo",
        AnswerCall(media="echo", early_media="tone:440", answer_after=1.0),
    ),
    _fixed("+15550100100", "sends 100 and nothing more until the caller cancels", TryForever()),
    _fixed("+15550100180", "rings (180) until the caller cancels", RingForever()),
    _fixed("+15550100486", "busy: 486", RefuseCall(486)),
    _fixed("+15550100480", "no answer: rings for 1 s, then 480", RefuseCall(480, refuse_after=1.0, ring=True)),
    _fixed("+15550100404", "unknown number: 404", RefuseCall(404)),
    _fixed("+15550100603", "declined: 603", RefuseCall(603)),
    _fixed("+15550100503", "server error: 503", RefuseCall(503)),
    Listing(
        "+155501200NN", "rings for NN s, then answers with an echo", lambda n: AnswerCall(media="echo", answer_after=n)
    ),
    Listing(
        "+155501210NN", "no answer: rings for NN s, then 480", lambda n: RefuseCall(480, refuse_after=n, ring=True)
    ),
    Listing(
        "+155501220NN",
        "early media (440 Hz) for NN s, then answers with an echo",
        lambda n: AnswerCall(media="echo", early_media="tone:440", answer_after=n),
    ),
    Listing(
        "+155501230NN",
        "answers at once with a 440 Hz tone and hangs up after NN s",
        lambda n: AnswerCall(media="tone:440", hang_up_after=n),
    ),
    Listing("+15550130SSS", "refuses at once with status SSS (400 to 699)", RefuseCall),
)
"""Any other number is unknown: 404. So is a number without its +."""


def behaviour_for(called: str) -> Behaviour:
    """The behaviour of a called number; unknown ones are refused with 404, as a real carrier does."""
    for listing in NUMBERS:
        match = listing.pattern.fullmatch(called)
        if match is not None:
            return listing.build(int(match.group(1)) if match.groups() else 0)
    return RefuseCall(404)


def numbers_table() -> str:
    """The list as text, one number a line, for `trunkline carrier --numbers`."""
    lines = [f"{listing.number:<14} {listing.does}" for listing in NUMBERS]
    return "\n".join([*lines, f"{'any other':<14} unknown number: 404"])
