"""SIP messages as text: enough parsing for test agents that must report what a peer sent, never for routing."""

from __future__ import annotations

import re
from dataclasses import dataclass

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_URI = re.compile(r"(sips?|tel):(?:([^@\s<>?]*)@)?([^\s<>;?]*)", re.IGNORECASE)
_TAG = re.compile(r";\s*tag=([^;\s>]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SipText:
    """One SIP message (RFC 3261 section 7). `headers` keep their order and spelling; values are stripped."""

    start_line: str
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def is_request(self) -> bool:
        return not self.start_line.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """The request's method; of a response, the method it answers (from CSeq)."""
        if self.is_request:
            return self.start_line.split(" ", 1)[0]
        return self.first("CSeq").rpartition(" ")[2]

    @property
    def ruri(self) -> str:
        """The Request-URI; empty for a response."""
        parts = self.start_line.split(" ")
        return parts[1] if self.is_request and len(parts) > 1 else ""

    @property
    def sip_status(self) -> int:
        """The status of a response; 0 for a request."""
        parts = self.start_line.split(" ", 2)
        return 0 if self.is_request or len(parts) < 2 or not parts[1].isdigit() else int(parts[1])

    @property
    def sip_reason(self) -> str:
        parts = self.start_line.split(" ", 2)
        return parts[2] if not self.is_request and len(parts) == 3 else ""

    def every(self, name: str) -> list[str]:
        """All values of a header, compact names included (RFC 3261 section 7.3.3)."""
        wanted = name.lower()
        return [value for key, value in self.headers if _COMPACT.get(key.lower(), key.lower()) == wanted]

    def first(self, name: str) -> str:
        """The first value of a header, or the empty string."""
        values = self.every(name)
        return values[0] if values else ""

    @property
    def from_tag(self) -> str:
        match = _TAG.search(self.first("From"))
        return match.group(1) if match else ""


def parse_sip(text: str) -> SipText:
    """Read one message. Never raises: what is not a header line is left out."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    lines = head.lstrip("\n").split("\n")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:  # RFC 3261 section 7.3.1: folded
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            headers.append((name.strip(), value.strip()))
    return SipText(start_line=lines[0] if lines else "", headers=tuple(headers), body=body)


def uri_user(text: str) -> str:
    """User part of the first SIP or tel URI in a header value or URI; empty when there is none.

    >>> uri_user('"Ann" <sip:+15550100000@192.0.2.1:5060;user=phone>;tag=1')
    '+15550100000'
    >>> uri_user("tel:+15550100000;phone-context=example")
    '+15550100000'
    """
    match = _URI.search(text)
    if match is None:
        return ""
    scheme, user, rest = match.groups()
    return rest if scheme.lower() == "tel" else (user or "").partition(";")[0]


def uri_host(text: str) -> str:
    """Host of the first SIP URI in a text, without the port; empty when there is none."""
    match = _URI.search(text)
    if match is None or match.group(1).lower() == "tel":
        return ""
    hostport = match.group(3)
    if hostport.startswith("["):
        return hostport.partition("]")[0].lstrip("[")
    return hostport.partition(":")[0]
