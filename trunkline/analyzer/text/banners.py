"""The lines by which each kind of log announces a SIP message: who sent it to whom, when, over what.

One row for each way of writing: its name, a text that such a line has, and the pattern. The first row that matches a
line wins, so the exact ones stand before the general.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from trunkline.analyzer.model.capture import Endpoint, Transport


class Banner(NamedTuple):
    """What is known of the message that follows. `remote`: the other side, where the log names only that."""

    format: str
    sent_by_us: bool | None = None
    remote: Endpoint | None = None
    src: Endpoint | None = None
    dst: Endpoint | None = None
    transport: Transport = "unknown"
    correlation_id: str | None = None


# Address and port as logs write them: 192.0.2.1:5060, [2001:db8::1]:5060, 2001:db8::1:5060 is left to the brackets.
_IP4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_ADDRESS = rf"(?:\[(?P<NAME6>[0-9A-Fa-f:.]{{2,45}})\]|(?P<NAME4>{_IP4}))(?:[:.](?P<NAMEp>\d{{1,5}}))?"


def _address(name: str) -> str:
    return _ADDRESS.replace("NAME", name)


_R, _S, _D = _address("r"), _address("s"), _address("d")
_PROTOCOL = r"(?P<proto>[A-Za-z]{2,4})"

_ROWS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (name, mark, re.compile(pattern))
    for name, mark, pattern in (
        (
            "asterisk-pjsip",
            " SIP re",
            (
                r"<--- (?P<way>Received|Transmitting) SIP (?:request|response) \(\d+ bytes\) (?:from|to) "
                rf"{_PROTOCOL}:{_R} --->"
            ),
        ),
        (
            # `pjsip show history entry N`: the time is the number at the end.
            "asterisk-history",
            "<--- History",
            rf"<--- History Entry \d+ (?P<way>Received|Sent) (?:from|to) {_R} at \d+ --->",
        ),
        ("asterisk-chan-sip", "<--- SIP read", rf"<--- SIP (?P<way>read) from {_PROTOCOL}:{_R} --->"),
        (
            "asterisk-chan-sip",
            "NAT) to ",
            rf"(?P<way>(?:Rel(?:iably )?|Ret(?:ransmitting )?)?(?:[Tt]ransmitting)?)(?: #\d+)? \((?:no )?NAT\) to {_R}",
        ),
        (
            "freeswitch",
            " bytes ",
            rf"\b(?P<way>recv|send) \d+ bytes (?:from|to) {_PROTOCOL}/{_R}",
        ),
        (
            "audiocodes",
            "---- ",
            (
                rf"---- (?P<way>Incoming|Outgoing) SIP Message (?:from|to) {_R} (?:to|from) SIPInterface #\d+"
                rf" *(?:\([^)]*\))? *{_PROTOCOL}?"
            ),
        ),
        (
            "belle-sip",
            "://",
            rf"(?P<way>sent to|received from|bytes from) \[?{_PROTOCOL}://{_R}",
        ),
        (
            "siptrace",
            "fromip",
            rf"\bfromip[=:] ?(?:{_PROTOCOL}:)?{_S}.{{0,80}}?\btoip[=:] ?(?:[A-Za-z]{{2,4}}:)?{_D}",
        ),
        ("oracle-sipmsg", "On ", rf"\bOn (?:\[\d+:\d+\])?{_S} (?P<way>received from|sent to) {_D}"),
        (
            "cisco-cube",
            " message from ",
            rf"\b(?P<way>Received|Sent)? ?:? ?SIP {_PROTOCOL} message from \[?{_S}\]? to \[?{_D}",
        ),
        ("sipsimple", ")-> ", rf"{_S} -\(SIP over {_PROTOCOL}\)-> {_D}"),
        ("pjsua", " bytes ", rf"(?P<way>[TR]X) \d+ bytes .{{0,200}}?(?:to|from) {_PROTOCOL} {_R}:?"),
        ("ngrep", " -> ", rf"^(?P<proto>[UT])(?:\(\d+\))? .{{0,60}}?{_S} -> {_D}"),
        ("tcpdump", " > ", rf"\bIP6? {_S} > {_D}:"),
        ("homer", "proto:", rf"proto:{_PROTOCOL} .{{0,60}}?{_S} -{{2,3}}> {_D}"),
        ("sngrep", " -> ", rf"^\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+ {_S} -> {_D}"),
        ("arrows", "", rf"{_S}\s?(?:-{{1,3}}>|=+>|→)\s?{_D}"),
        ("sipp", " message ", rf"\b{_PROTOCOL} message (?P<way>sent|received)\b"),
        (
            "from-to",
            "",
            (
                r"(?i:\b(?P<way>received|recv|sent|sending|send)\b.{0,80}?\b(?:from|to) "
                rf"(?:(?P<proto>udp|tcp|tls|ws|wss)[:/ ])?){_R}"
            ),
        ),
    )
)
_MAYBE = re.compile(
    r"->|→|<---|=>|bytes|NAT\)|SIP M|SIP [A-Za-z]{2,4} m|message (?:sent|received)|[Rr]ec|[Ss]ent|IP6? |[Ss]end|fromip"
)
_HAS_ADDRESS = re.compile(r"\d\.\d{1,3}\.\d|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]+\]")
# Alone in its line, behind a syslog's prefix, or (IOS 12) behind the name of the function.
_CISCO_PLAIN = re.compile(r"(?:^|[:\]] ?|\bccsipDisplayMsg: ?)\s*(?P<way>Received|Sent): *$")
# Who pastes a log into a public place puts letters into its addresses: the direction is still told.
_MASKED = re.compile(
    r"\b(?P<fs>recv|send) \d+ bytes (?:from|to) (?P<p1>[a-z]{2,4})/\[?[\w.*:-]+|"
    r"<--- (?P<ast>Received|Transmitting) SIP \w+ \(\d+ bytes\) (?:from|to) (?P<p2>[A-Z]{2,4}):"
)
# JsSIP and SIP.js in a browser's console: they name no addresses.
_BROWSER = re.compile(r"\b(?P<way>[Ss]ending|[Rr]eceived)(?: WebSocket)?(?: text| binary)? message: *$")
_CISCO_HEAD = re.compile(r"//(?P<guid>[^/]*/[^/]*)/(?:[A-Z_]{1,20}/)?SIP/Msg/\w+:")
_SID = re.compile(r"\[SID=([^\]]{1,60})\]")
_TRANSPORTS: dict[str, Transport] = {
    "udp": "udp", "u": "udp", "tcp": "tcp", "t": "tcp", "tls": "tls", "ws": "ws", "wss": "wss", "sctp": "sctp",
}  # fmt: skip
_SENT = ("transmitting", "send", "outgoing", "sent", "tx", "rel", "ret")


def read_banner(line: str) -> Banner | None:
    """What this line announces, or None. Cheap for lines that announce nothing."""
    if len(line) > 2000:
        line = line[:2000]
    if _MAYBE.search(line) is None:
        return None
    plain = _CISCO_PLAIN.search(line[-60:])
    if plain is not None:
        return Banner("cisco-cube", plain["way"] == "Sent")
    if _HAS_ADDRESS.search(line) is None and " message " not in line:
        return _without_address(line)
    for name, mark, pattern in _ROWS:
        found = pattern.search(line) if mark in line else None
        if found is not None:
            return _banner(name, found.groupdict(), line)
    return None


def _without_address(line: str) -> Banner | None:
    masked = _MASKED.search(line) if " bytes" in line else None
    if masked is not None:
        transport = _TRANSPORTS.get((masked["p1"] or masked["p2"]).lower(), "unknown")
        if masked["fs"]:
            return Banner("freeswitch", masked["fs"] == "send", transport=transport)
        return Banner("asterisk-pjsip", masked["ast"] == "Transmitting", transport=transport)
    browser = _BROWSER.search(line) if "message:" in line else None
    return None if browser is None else Banner("browser", browser["way"].lower() == "sending")


def read_cisco_head(line: str) -> str | None:
    """The correlation id of a `…/SIP/Msg/ccsipDisplayMsg:` line, or None."""
    if "/SIP/Msg/" not in line:
        return None
    found = _CISCO_HEAD.search(line)
    return None if found is None else found["guid"]


def _banner(name: str, part: dict[str, str | None], line: str) -> Banner | None:
    way = (part.get("way") or "").lower()
    sent: bool | None = None
    if "way" in part and part["way"] is not None:
        sent = way.startswith(_SENT) if way else True
    transport = _TRANSPORTS.get((part.get("proto") or "").lower(), "unknown")
    remote, src, dst = (_endpoint(part, side) for side in "rsd")
    if name == "oracle-sipmsg":
        # `On <own address> received from <other>`: the first is ours either way.
        src, dst = (src, dst) if sent else (dst, src)
    if name == "asterisk-chan-sip" and not way and "ransmitting" not in line:
        return None
    if remote is None and src is None and name not in ("sipp", "cisco-cube"):
        return None
    session = _SID.search(line) if "[SID=" in line else None
    return Banner(name, sent, remote, src, dst, transport, session[1] if session else None)


def _endpoint(part: dict[str, str | None], side: str) -> Endpoint | None:
    text = part.get(f"{side}6") or part.get(f"{side}4")
    return None if text is None else _read_endpoint(text, part.get(f"{side}p") or "5060")


@lru_cache(maxsize=4096)
def _read_endpoint(address: str, port: str) -> Endpoint | None:
    try:
        ip = str(ipaddress.ip_address(address))
    except ValueError:
        return None
    return Endpoint(ip, int(port)) if int(port) < 65536 else None
