"""What an SDP body says of who wrote it, taken out (RFC 4566 section 5). Addresses are rtpengine's to replace."""

from __future__ import annotations

_TELLING = ("i=", "u=", "e=", "p=", "a=tool:", "a=x-", "a=candidate:", "a=remote-candidates:", "a=ice-", "a=alt:")
"""Lines that name a person, a page or a program, or that are some vendor's own; lower case."""


def hidden_sdp(body: str) -> str:
    """The same session without its author: no user name in `o=`, no session name, none of the telling lines."""
    lines: list[str] = []
    for line in body.split("\n"):
        if line.startswith("o="):
            lines.append("o=-" + line[line.find(" ") :] if " " in line else line)
        elif line.startswith("s="):
            lines.append("s=-\r" if line.endswith("\r") else "s=-")
        elif not line.lower().startswith(_TELLING):
            lines.append(line)
    return "\n".join(lines)
