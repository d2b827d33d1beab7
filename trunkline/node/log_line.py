"""Lines that the programs of a node write → the node's one structured stream, JSON lines.

Every line has `ts` (RFC 3339, UTC), `level` (debug, info, warning, error), `program` and `message`; one that concerns a
call has `call_id` (SIP's) or `call_sid` (the record's), or both. JSON escapes every control character, so what a
stranger put into a Call-ID cannot forge a line.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import NamedTuple

LONGEST_MESSAGE = 4000
"""Characters; a longer one is cut, so that each line is one `write()` and nobody fills the disk with one request."""

# Kamailio's log_prefix stands after the level: ` 1(4711) ERROR: {call_id=a84b4c} tm [t_lookup.c:120]: t_check(): text`.
KAMAILIO = re.compile(r"^\s*\d+\(\d+\)\s+(?P<level>[A-Z]+):\s+(?P<rest>.*)$", re.DOTALL)
# A Call-ID may hold braces and, from a broken client, blanks: it ends where the name of a module follows.
CALL_PREFIX = re.compile(r"^\{call_id=(?P<call_id>.*?)\}\s+(?=<\w+>|\w+ \[|$)", re.DOTALL)
# rtpengine on stderr: `[1764.12] INFO: [call-id]: [core] text`, of one stream `[call-id/tag/1 port 30000]: …`.
RTPENGINE = re.compile(
    r"^(?:\[[\d.]+\]\s+)?(?P<level>EMERG|ALERT|CRIT|ERR|WARNING|WARN|NOTICE|INFO|DEBUG)"
    r":\s+(?:\[(?P<call_id>[^\]\s]+)(?:\s+port\s+\d+)?\]:?\s+)?(?P<rest>.*)$",
    re.DOTALL,
)
STREAM = re.compile(r"^(?P<call_id>.+)/[^/]+/\d+$")
MEDIA_ID = re.compile(r"[0-9a-f]{32}")
"""What the edge calls a call towards rtpengine: its SID without `CA`."""
LEVELS = {
    "EMERG": "error",
    "ALERT": "error",
    "BUG": "error",
    "CRITICAL": "error",
    "CRIT": "error",
    "ERROR": "error",
    "ERR": "error",
    "FATAL": "error",
    "WARNING": "warning",
    "WARN": "warning",
    "NOTICE": "info",
    "INFO": "info",
    "DEBUG": "debug",
}
NO_CALL = ("", "<null>", "(null)")
"""What Kamailio prints for a variable that has no value: the line concerns no call."""
RTPENGINE_AREAS = frozenset(
    ("core", "control", "ice", "srtp", "rtcp", "crypto", "codec", "ffmpeg", "transcoding", "http", "internals", "dtx")
)
"""rtpengine's own names in brackets, where a Call-ID would stand."""

ORDINARY = (
    # Media of a secure PBX that overtakes its 200: dropped until the key is known, 20 to 40 ms later.
    "SRTP output wanted, but no crypto suite was negotiated",
    "SRTCP output wanted, but no crypto suite was negotiated",
    # Each start of Kamailio's TLS module, whatever the version of OpenSSL; the second with tls_threads_mode=2 of 6.0.
    "openssl bug #1491",
    "mod_init(): set maximum pthreads key to",
    # A request that is no SIP, or a connection that its peer has torn down: anybody may do that.
    "[core/parser/",
    "parse_msg(): ERROR: ",
    "receive_msg(): required headers not found",
    "receive_msg(): parsing relevant headers failed",
    "receive_msg(): core parsing of SIP message failed",
    "receive_msg(): no via found in ",
    "udp_rcv_loop(): read message too large",
    "sanity [sanity.c",
    "tcp_read_data(): error reading: Connection reset by peer",
    "tcp_read_req(): ERROR: tcp_read_req: error reading",
    "tcp_read_req(): error reading",
    # A TLS handshake that a client began and could not finish, in four lines: TLS 1.0, no TLS at all. Where we began it
    # (a PBX, a carrier), the line with "TLS connect:" stays an error.
    "tls_h_read_f(): protocol level error",
    "tls_err_ret(): TLS accept:",
    "tls_h_read_f(): src addr: ",
    "tls_h_read_f(): dst addr: ",
    "tls_h_read_f(): source IP: ",  # so in later versions
    "tls_h_read_f(): destination IP: ",
    # The end of Kamailio's processes, seen by its TCP one. When it was no order, the keeper says what killed them.
    "receive_fd(): EOF on",
)
"""What the engines call an error or a warning although nothing is wrong and nobody can do anything about it."""


class Understood(NamedTuple):
    """What a line says."""

    level: str
    message: str
    call_id: str | None = None
    call_sid: str | None = None


def structured(program: str, line: str, now: float) -> str:
    """One line of a program as one line of the stream, without its line end. `now`: Unix seconds."""
    found = _understood(line)
    level = found.level
    if level in ("error", "warning") and any(words in found.message for words in ORDINARY):
        level = "info"
    return as_json(program, level, found.call_id, found.message, now=now, call_sid=found.call_sid)


def as_json(
    program: str, level: str, call_id: str | None, message: str, *, now: float, call_sid: str | None = None
) -> str:
    record = {"ts": timestamp(now), "level": level, "program": program}
    if call_id:
        record["call_id"] = call_id[:256]
    if call_sid:
        record["call_sid"] = call_sid[:64]
    record["message"] = message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"
    return json.dumps(record)


def timestamp(now: float) -> str:
    """`ts` of the moment `now`, Unix seconds. Sorts as text."""
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _understood(line: str) -> Understood:
    if line.startswith("{") and (found := _from_json(line)):
        return found
    if match := KAMAILIO.match(line):
        call = CALL_PREFIX.match(match["rest"])
        call_id = call["call_id"] if call else None
        text = match["rest"][call.end() :] if call else match["rest"]
        return Understood(LEVELS.get(match["level"], "info"), text, None if call_id in NO_CALL else call_id)
    if match := RTPENGINE.match(line):
        return _from_rtpengine(LEVELS[match["level"]], match["call_id"], match["rest"])
    return Understood(_plain_level(line), line)


def _from_rtpengine(level: str, call_id: str | None, text: str) -> Understood:
    if call_id in RTPENGINE_AREAS:
        return Understood(level, f"[{call_id}] {text}")
    if call_id and (stream := STREAM.match(call_id)):
        call_id = stream["call_id"]
    if call_id and MEDIA_ID.fullmatch(call_id):
        return Understood(level, text, call_sid=f"CA{call_id}")
    return Understood(level, text, call_id)


def _from_json(line: str) -> Understood | None:
    """A line of our own Python programs: they write JSON with `level`, `message` and, of a call, its names."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("message"), str):
        return None
    level = str(found.get("level", "info"))
    call_id, call_sid = (str(found[name]) if found.get(name) else None for name in ("call_id", "call_sid"))
    known = level if level in ("debug", "info", "warning", "error") else "info"
    return Understood(known, found["message"], call_id, call_sid)


def _plain_level(line: str) -> str:
    """A line without a level: what Python and the C library print when something is wrong, or plain text."""
    wrong = line.startswith(("Traceback ", "ERROR", "CRITICAL")) or " error while loading " in line
    return "error" if wrong else "info"
