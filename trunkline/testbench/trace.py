"""The SIP messages that PJSIP really sent and received, taken from its log.

PJSIP stops calling back once the application has hung up, so the 487 after a CANCEL and the 200 after a BYE never reach
Python. Its log has them, with millisecond times.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pjsua2 as pj

from trunkline.testbench.sip_text import SipText, parse_sip

_HEAD = re.compile(
    r" ?(\d\d):(\d\d):(\d\d)\.(\d{3})\s+\S+\s+!?\.*(TX|RX) \d+ bytes [^\n]* (?:to|from) (UDP|TCP|TLS) (\S+):\s*\n"
)
_END = "\n--end msg--"
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class WireMessage:
    at: float
    """Unix seconds, to the millisecond."""
    sent: bool
    """True: by us."""
    transport: str
    """udp, tcp or tls."""
    peer: str
    """host:port."""
    sip: SipText


class WireTrace(pj.LogWriter):  # type: ignore[misc]
    """Takes PJSIP's log lines and keeps those that are SIP messages.

    With `mainThreadOnly` PJSIP holds back what its other threads log until the main thread polls, so this runs in the
    main thread.
    The library deletes its log writer, so it must own this object: `__disown__()` before it is handed over.
    """

    def __init__(self, keep: Path | None = None) -> None:
        """`keep`: append everything to this file."""
        super().__init__()
        self._keep = keep.open("a", encoding="utf-8", errors="surrogateescape") if keep is not None else None
        self._messages: list[WireMessage] = []

    def write(self, entry: Any) -> None:
        """PJSIP's callback; an exception here would abort the process, so a line that cannot be read is passed over."""
        try:
            text: str = entry.msg
            if self._keep is not None:
                self._keep.write(text)
            head = _HEAD.match(text)
            if head is not None:
                self._messages.append(_message(head, text[head.end() :].partition(_END)[0]))
        except Exception as error:  # noqa: BLE001  the boundary between Python and C++
            sys.stderr.write(f"log line passed over: {error!r}\n")

    def take(self) -> list[WireMessage]:
        """Messages since the last call, oldest first."""
        messages, self._messages = self._messages, []
        if messages and self._keep is not None:
            self._keep.flush()
        return messages


def _message(head: re.Match[str], raw: str) -> WireMessage:
    hours, minutes, seconds, millis = (int(head.group(n)) for n in (1, 2, 3, 4))
    logged = hours * 3600 + minutes * 60 + seconds + millis / 1000
    now = time.time()
    local = time.localtime(now)
    today = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec + now % 1
    age = (today - logged) % _DAY
    if age > _DAY - 1:  # the clock was set back a little between the log line and now
        age = 0.0
    return WireMessage(
        at=round(now - age, 3),
        sent=head.group(5) == "TX",
        transport=head.group(6).lower(),
        peer=head.group(7),
        sip=parse_sip(raw),
    )
