"""Whether bytes begin with a SIP message: by its start line alone, on any port (RFC 3261 section 7)."""

from __future__ import annotations

LONGEST_LINE = 8192
TOKEN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~")
METHODS = (
    *(b"INVITE", b"ACK", b"BYE", b"CANCEL", b"REGISTER", b"OPTIONS", b"INFO", b"PRACK", b"UPDATE", b"SUBSCRIBE"),
    *(b"NOTIFY", b"REFER", b"MESSAGE", b"PUBLISH"),
)
"""Of RFC 3261, 6086, 3262, 3311, 6665, 3515, 3428 and 3903."""
FIRST = TOKEN | {13, 10}
"""Bytes that may begin a datagram with SIP: those of a method, and the CRLF of a keep-alive."""


def sip_start(data: bytes, position: int = 0) -> int:
    """Offset of a start line at `position`, line ends ahead of it skipped; -1: there is none.

    As strict as tshark, so that the counts agree: one blank between the parts, and one behind the status. What fails
    that on a port of SIP is kept as a datagram that is not SIP.
    """
    size = len(data)
    while position < size and data[position] in (13, 10):
        position += 1
    if size - position < 12:
        return -1
    if data.startswith(b"SIP/2.0 ", position):
        return position if data[position + 8 : position + 11].isdigit() and data[position + 11] == 32 else -1
    end = data.find(b"\n", position, position + LONGEST_LINE)
    line = data[position : end if end >= 0 else position + LONGEST_LINE]
    return position if request_line(line.rstrip(b"\r")) else -1


def request_line(line: bytes) -> bool:
    """Method, a URI with a scheme, `SIP/2.0`."""
    if not line.endswith(b" SIP/2.0"):
        return False
    method, _, uri = line[:-8].partition(b" ")
    known = method in METHODS or (len(method) >= 1 and TOKEN.issuperset(method))
    return known and b":" in uri[1:] and b" " not in uri


def find_start(data: bytes | bytearray, position: int) -> int:
    """Offset of the next start line from `position` on; -1: none. Linear in the data.

    For streams of which something was lost: a start line may stand right behind a body that ends without a line end.
    """
    hit = data.find(b"SIP/2.0", position)
    while hit >= 0:
        if data[hit + 7 : hit + 8] == b" " and sip_start(bytes(data[hit : hit + 12])) == 0:
            return hit
        line = max(data.rfind(b"\n", max(position, hit - LONGEST_LINE), hit) + 1, position)
        if data[hit + 7 : hit + 8] in (b"\r", b"\n") and request_line(bytes(data[line : hit + 7])):
            return line + glued(bytes(data[line : hit + 7]))
        hit = data.find(b"SIP/2.0", hit + 7)
    return -1


def glued(line: bytes) -> int:
    """Bytes ahead of a method's name that do not belong to it: the rest of a body."""
    method = line.partition(b" ")[0]
    if method in METHODS:
        return 0
    return max((len(method) - len(known) for known in METHODS if method.endswith(known)), default=0)


def split_body(data: bytes) -> tuple[int, int | None]:
    """Offset of the body (-1: the headers do not end) and the value of Content-Length (None: none that is a number)."""
    end, gap = data.find(b"\r\n\r\n"), 4
    if end < 0:
        end, gap = data.find(b"\n\n"), 2
    if end < 0:
        return -1, None
    return end + gap, content_length(data[:end])


def content_length(head: bytes) -> int | None:
    """The value of the first Content-Length, also in its short form `l`; None: none that is a number."""
    usual = head.find(b"\nContent-Length: ")
    if usual >= 0 and head.find(b"\nl", 0, usual) < 0:
        value = head[usual + 17 : usual + 30].split(b"\n", 1)[0].strip()
        if value.isdigit() and len(value) < 12:
            return int(value)
    low = head.lower()
    position = 0
    while True:
        # Both names end in "l" or "h": looking for the colon alone would visit every header.
        line = low.find(b"\ncontent-length", position)
        short = low.find(b"\nl", position)
        if line < 0 or 0 <= short < line:
            line, size = short, 2
        else:
            size = 15
        if line < 0:
            return None
        rest = low[line + size : line + size + 64].split(b"\n", 1)[0].lstrip(b" \t")
        if rest.startswith(b":"):
            value = rest[1:].strip()
            return int(value) if value.isdigit() and len(value) < 12 else None
        position = line + size
