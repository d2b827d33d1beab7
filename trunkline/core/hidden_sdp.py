"""What an SDP body says of who wrote it, taken out (RFC 4566 section 5). Addresses are rtpengine's to replace."""

from __future__ import annotations

import re

_EVENT = re.compile(r"^a=rtpmap:(\d+) telephone-event/", re.IGNORECASE | re.MULTILINE)
_TELLING = (
    *("i=", "u=", "e=", "p=", "k=", "a=tool:", "a=x-", "a=candidate:", "a=remote-candidates:", "a=ice-", "a=alt:"),
    *("a=ssrc:", "a=source-filter:", "a=path:", "a=msid:"),
)
"""Lines that name a person, a page, a place or a program, or that are some vendor's own; lower case."""
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
_PORT = re.compile(r" \S+ ")
_PLAIN = ("a=rtpmap:", "a=fmtp:", "a=rtcp:", "a=send", "a=recv", "a=inactive", "a=ptime:", "c=", "t=", "v=")
"""Lines that say nothing, or where the media relay has put its own address. Most lines are of these."""
_RELAYED = re.compile(r"m=\S+ \d+(?:/\d+)? (?:\S*RTP/\S+|udptl) ", re.IGNORECASE)
"""Media that the relay takes: RTP in all its profiles and T.38."""


def hidden_sdp(body: str) -> str:
    """The same session without its author: no user name in `o=`, no session name, none of the telling lines.

    A stream that the relay does not take (MSRP, BFCP) would go past us, to an address that the other side must not
    see: it is refused by port 0 (RFC 3264 section 5.1), and nothing of it but its `m=` is left.
    """
    lines: list[str] = []
    past_us = False
    for line in body.split("\n"):
        if line.startswith(_PLAIN):
            if not past_us:
                lines.append(line)
        elif line.startswith("m="):
            past_us = not _RELAYED.match(line)
            lines.append(_PORT.sub(" 0 ", line, count=1) if past_us else line)
        elif past_us and line:
            continue
        elif line.startswith("o="):
            lines.append("o=-" + line[line.find(" ") :] if " " in line else line)
        elif line.startswith("s="):
            lines.append("s=-\r" if line.endswith("\r") else "s=-")
        elif not line.lower().startswith(_TELLING) and not (line.count(".") > 2 and _names_a_place(line)):
            lines.append(line)
    return "\n".join(lines)


def _names_a_place(line: str) -> bool:
    return line.startswith("a=") and _IPV4.search(line) is not None


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
