"""What an SDP body says of who wrote it, taken out (RFC 4566 section 5). Addresses are rtpengine's to replace."""

from __future__ import annotations

import re

_EVENT = re.compile(r"^a=rtpmap:(\d+) telephone-event/", re.IGNORECASE | re.MULTILINE)
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


def with_dtmf(relayed: str, original: str) -> str:
    """The SDP with the DTMF payload types that rtpengine has dropped from it, as `original` has them.

    Since 10.3 it lets no payload type of an answer pass that the offer did not have, and an answer may number its
    telephone-event otherwise (RFC 3264 section 6.1); the packets it relays all the same.
    """
    ours, theirs = relayed.split("\nm="), original.split("\nm=")
    if len(ours) != len(theirs):
        return relayed
    return "\nm=".join([ours[0], *(_with_events(*pair) for pair in zip(ours[1:], theirs[1:], strict=True))])


def _with_events(media: str, original: str) -> str:
    line, _, rest = media.partition("\n")
    words = line.split()
    if words[:1] != ["audio"] or words[1] == "0" or _EVENT.search(rest):
        return media
    for number in _EVENT.findall(original):
        if number in words[3:]:
            continue
        words.append(number)
        about = [kept.rstrip("\r") for kept in original.split("\n") if _is_about(kept, number)]
        rest = "\r\n".join((rest.rstrip("\r\n"), *about, ""))
    return " ".join(words) + "\r\n" + rest


def _is_about(line: str, number: str) -> bool:
    return line.startswith((f"a=rtpmap:{number} ", f"a=fmtp:{number} "))
