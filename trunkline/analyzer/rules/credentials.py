"""Challenges and answers of digest authentication as the messages hold them, read leniently (RFC 7616, RFC 2617)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from trunkline.analyzer.model.message import Header, Message

_CHALLENGE = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
_ANSWER = {401: "Authorization", 407: "Proxy-Authorization"}
_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Digest:
    """The parameters of one challenge or answer, names in lower case."""

    header: Header
    params: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.params.get(name, "")

    @property
    def algorithm(self) -> str:
        return self["algorithm"].upper() or "MD5"


def challenges(response: Message | None) -> list[Digest]:
    """Digest challenges of a 401 or 407; other statuses have none."""
    name = _CHALLENGE.get(response.status) if response is not None else None
    return [] if response is None or name is None else _digests(response, name)


def answers(request: Message | None) -> list[Digest]:
    """All digest answers of a request, whichever header holds them."""
    if request is None:
        return []
    return _digests(request, "Authorization") + _digests(request, "Proxy-Authorization")


def answer_header(status: int) -> str:
    """The header that answers this challenge."""
    return _ANSWER.get(status, "Authorization")


def is_stale(response: Message | None, asked: list[Digest]) -> bool:
    """The server says: the nonce is too old, no word on the password (RFC 7616 section 3.3). Some say it in the reason
    phrase alone (`nonce has changed`). `asked`: its challenges.
    """
    if response is None or response.status not in (401, 407):
        return False
    return "nonce" in response.reason.lower() or any(challenge["stale"].lower() == "true" for challenge in asked)


def _digests(message: Message, name: str) -> list[Digest]:
    if not message.has(name):
        return []
    return [
        Digest(header, parameters(header.value[7:]))
        for header in message.all(name)
        if header.value[:7].lower() in ("digest ", "digest\t")
    ]


@lru_cache(maxsize=65536)
def parameters(text: str) -> dict[str, str]:
    """`name="value", name=value`; the first of each name counts. Walks the text once, whatever it holds.
    Nobody changes what it gives: several rules read the same header, so it is kept until `forget`."""
    found: dict[str, str] = {}
    at, end = 0, min(len(text), _LONGEST)
    while at < end:
        equals = text.find("=", at, end)
        if equals < 0:
            break
        name = text[at:equals].strip(" \t,\r\n").lower()
        at = equals + 1
        while at < end and text[at] in " \t":
            at += 1
        if at < end and text[at] == '"':
            value, at = _quoted(text, at + 1, end)
        else:
            comma = text.find(",", at, end)
            stop = end if comma < 0 else comma
            value, at = text[at:stop].strip(), stop
        found.setdefault(name, value)
        at += 1
    return found


def _quoted(text: str, at: int, end: int) -> tuple[str, int]:
    close = text.find('"', at, end)
    if close >= 0 and text.find("\\", at, close) < 0:
        comma = text.find(",", close, end)
        return text[at:close], end if comma < 0 else comma
    parts: list[str] = []
    while at < end and text[at] != '"':
        if text[at] == "\\" and at + 1 < end:
            at += 1
        parts.append(text[at])
        at += 1
    comma = text.find(",", at, end)
    return "".join(parts), end if comma < 0 else comma


def forget() -> None:
    """Empties what was kept: an analysis leaves nothing of its input behind."""
    parameters.cache_clear()
