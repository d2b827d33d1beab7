"""From, To, P-Asserted-Identity and Remote-Party-ID values: `"Display" <uri>;params` or `uri;params` (RFC 3261
section 20.10).
"""

from __future__ import annotations

from dataclasses import dataclass


class NameAddrError(ValueError):
    """The header value has no URI in it."""


@dataclass(frozen=True, slots=True)
class NameAddr:
    display: str
    """Display name without quotes and escapes; empty when there is none."""
    uri: str
    """The URI as written; `sip_uri.parse` judges it."""
    params: str = ""
    """Header parameters without the first `;`."""

    @property
    def tag(self) -> str:
        """The tag parameter, or empty."""
        return self.param("tag") or ""

    def param(self, name: str) -> str | None:
        """Value of a header parameter without quotes, `""` for one without a value, None when absent."""
        for item in self.params.split(";"):
            key, _, value = item.partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return None


def parse(text: str) -> NameAddr:
    """The first value of the header (P-Asserted-Identity may hold two, RFC 3325 section 9.1). Raises NameAddrError."""
    text = text.strip()
    display = ""
    if text.startswith('"'):
        display, text = _quoted(text)
    before, bracket, rest = text.partition("<")
    if bracket:
        uri, closed, tail = rest.partition(">")
        if not closed:
            raise NameAddrError("header value with '<' and no '>'")
        tail = _first_value(tail)
        display = display or before.strip()
        params = tail.strip().removeprefix(";")
    else:
        # RFC 3261 section 20.10: without brackets, everything behind `;` belongs to the header and not to the URI.
        uri, _, params = _first_value(text).partition(";")
    uri = uri.strip()
    if not uri:
        raise NameAddrError("header value without a URI")
    return NameAddr(display, uri, params.strip())


def _quoted(text: str) -> tuple[str, str]:
    """The quoted string that `text` begins with, unescaped, and what follows it."""
    out: list[str] = []
    escaped = False
    for at in range(1, len(text)):
        c = text[at]
        if escaped:
            out.append(c)
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == '"':
            return "".join(out), text[at + 1 :]
        else:
            out.append(c)
    raise NameAddrError("header value with a quote that does not end")


def _first_value(text: str) -> str:
    """Up to the first comma that is not in quotes."""
    if "," not in text:
        return text
    quoted = False
    for at, c in enumerate(text):
        if c == '"':
            quoted = not quoted
        elif c == "," and not quoted:
            return text[:at]
    return text
