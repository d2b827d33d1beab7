"""Diversion of a termination call (RFC 5806): who says that a call was forwarded from one of our numbers.

The carrier gets each entry at our address, so an entry in our name must name a number of the account; the vendor
removes the others as well (twilio.md 1.3, "Diversion"). Entries of foreign domains pass: an earlier forwarding in
somebody else's network.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline.core import name_addr, sip_uri


def checked(
    value: str, is_ours: Callable[[str], bool], owns: Callable[[str], bool], shown_at: str
) -> tuple[str, ...] | None:
    """The entries that may go on, at our address, or None where all of them may.

    `value`: all Diversion headers, joined by commas. `is_ours`: whether a host is a name or an address of ours; `owns`:
    whether a +E.164 number is the account's. `shown_at`: our host, as it stands in a URI. What cannot be read says
    nothing in anybody's name, and is left out.
    """
    found = [_judged(entry, is_ours, owns, shown_at) for entry in entries(value)]
    kept = tuple(entry for entry in found if entry is not None)
    return None if len(kept) == len(found) else kept


def _judged(entry: str, is_ours: Callable[[str], bool], owns: Callable[[str], bool], shown_at: str) -> str | None:
    """The entry as the carrier gets it, or None."""
    try:
        named = name_addr.parse(entry)
        uri = sip_uri.parse(named.uri)
    except (name_addr.NameAddrError, sip_uri.SipUriError):
        return None
    tail = f";{named.params}" if named.params else ""
    if uri.scheme == "tel":
        return f"<{named.uri}>{tail}"
    if is_ours(uri.host) and not owns(uri.user.partition(";")[0]):
        return None
    user = str(sip_uri.SipUri("sip", uri.user, "h"))[4:-1]
    return f"<sip:{user}{shown_at}>{tail}"


def entries(value: str) -> list[str]:
    """The values of a header that may have several, apart: at commas outside quotes and angle brackets."""
    found, begun = [], 0
    quoted = escaped = bracketed = False
    for at, c in enumerate(value):
        if escaped:
            escaped = False
        elif c == "\\":
            escaped = quoted
        elif c == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif c in "<>":
            bracketed = c == "<"
        elif c == "," and not bracketed:
            found.append(value[begun:at])
            begun = at + 1
    found.append(value[begun:])
    return [entry.strip() for entry in found if entry.strip()]
