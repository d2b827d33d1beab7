"""What a provider itself says about a refusal: its error header, or a code in another one. It beats every heuristic."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from trunkline.analyzer.model.message import Message

if TYPE_CHECKING:
    from trunkline.analyzer.profiles.profile import ErrorCode, Profile

ERROR_HEADERS = ("X-Twilio-Error", "X-Trunkline-Error")
"""Known however the provider was recognised: nobody else sends them."""

RULE_OF_CODE = {
    "10001": "ROUTE-12",
    "10004": "ROUTE-11",
    "13223": "NUM-01",
    "13224": "NUM-01",
    "32001": "ROUTE-10",
    "32006": "ROUTE-01",
    "32012": "ROUTE-10",
    "32014": "MEDIA-01",
    "32022": "DLG-01",
    "32100": "ROUTE-12",
    "32101": "NUM-01",
    "32102": "SDP-07",
    "32103": "SDP-07",
    "32105": "NAT-03",
    "32201": "AUTH-04",
    "32202": "AUTH-03",
    "32203": "ROUTE-12",
    "32204": "CLI-03",
    "32205": "ROUTE-12",
    "32206": "CLI-03",
    "32207": "SRTP-02",
    "32208": "SRTP-01",
    "32209": "SRTP-01",
    "32210": "AUTH-14",
    "32216": "ROUTE-12",
    "32218": "XFER-01",
}
"""The debugger's codes (twilio.md part 4), which Trunkline uses too. A profile may say more, or others."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One such word of the provider."""

    header: str
    code: str
    text: str
    rule: str
    """Rule id that the code stands for; empty: the code is not known here."""
    meaning: str = ""
    """What the profile says of the code."""


def hint_of(profile: Profile, message: Message) -> Hint | None:
    """The provider's word in a final response: its error header, or a reason phrase that its profile knows."""
    if message.status < 300:
        return None
    name = _error_header(profile.errors.header, message.head.names)
    found = message.header(name) if name else None
    known = profile.error_code(found.value if found is not None else "", message.reason)
    if found is None:
        return Hint("start line", known[0], message.reason, _rule(*known), known[1].text) if known is not None else None
    code, _, text = found.value.strip().partition(" ")
    code = code.strip('";,:')
    rule = _rule(*known) if known is not None else RULE_OF_CODE.get(code, "")
    meaning = known[1].text if known is not None else ""
    return Hint(found.name, code, text.strip() or found.value.strip(), rule, meaning)


@lru_cache(maxsize=1024)
def _error_header(own: str, names: tuple[str, ...]) -> str:
    """Which of a message's headers is such a word; empty: none. `own`: the profile's. Names that no RFC has are kept as
    they were written, and some stacks write all in lower case. Messages of one program have the same names each time.
    """
    for wanted in dict.fromkeys((own, *ERROR_HEADERS)):
        for name in (wanted, wanted.lower()):
            if name and name in names:
                return name
    return ""


def _rule(code: str, known: ErrorCode) -> str:
    return known.rule or RULE_OF_CODE.get(code, "")
