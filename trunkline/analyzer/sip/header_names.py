"""Header names as RFC 3261 and its extensions spell them, and their compact forms (RFC 3261 section 7.3.3, IANA)."""

from __future__ import annotations

COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

# fmt: off
KNOWN = (
    "Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events",
    "Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition",
    "Content-Encoding", "Content-ID", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date",
    "Diversion", "Error-Info", "Event", "Expires", "From", "Geolocation", "History-Info", "Identity",
    "Identity-Info", "In-Reply-To", "Info-Package", "Join", "Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE",
    "Organization", "P-Access-Network-Info", "P-Asserted-Identity", "P-Asserted-Service", "P-Called-Party-ID",
    "P-Charging-Vector", "P-Early-Media", "P-Preferred-Identity", "Path", "Permission-Missing", "Priority",
    "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason", "Record-Route",
    "Recv-Info", "Refer-Sub", "Refer-To", "Referred-By", "Reject-Contact", "Remote-Party-ID", "Replaces",
    "Reply-To", "Request-Disposition", "Require", "Response-Key", "Retry-After", "Route", "RSeq", "Security-Client",
    "Security-Server", "Security-Verify", "Server", "Service-Route", "Session-Expires", "Session-ID", "SIP-ETag",
    "SIP-If-Match", "Subject", "Subscription-State", "Supported", "Target-Dialog", "Timestamp", "To", "Unsupported",
    "User-Agent", "User-to-User", "Via", "Warning", "WWW-Authenticate", "X-Call-ID", "X-CID", "X-Twilio-AccountSid",
    "X-Twilio-CallSid", "X-Twilio-CallToken", "X-Twilio-Error", "X-Twilio-VerStat",
)
# fmt: on

_BY_LOWER = {name.lower(): name for name in KNOWN} | COMPACT
BY_SPELLING: dict[str, str] = (
    {name: name for name in KNOWN}
    | _BY_LOWER
    | {short.upper(): name for short, name in COMPACT.items()}
    | {"Call-Id": "Call-ID", "CSEQ": "CSeq", "Cseq": "CSeq", "Www-Authenticate": "WWW-Authenticate"}
)
"""Spellings that are met every day, for the fast way."""


def canonical(written: str) -> str:
    """Header name as the RFC spells it; an unknown one as it was written. White space around it is left out."""
    name = written.strip(" \t")
    return _BY_LOWER.get(name.lower(), name)


SINGLE = frozenset(
    {
        "Authentication-Info",
        "Call-ID",
        "Content-Length",
        "Content-Type",
        "CSeq",
        "Date",
        "Event",
        "Expires",
        "From",
        "Max-Forwards",
        "Min-Expires",
        "MIME-Version",
        "Min-SE",
        "RAck",
        "Refer-To",
        "Replaces",
        "RSeq",
        "Session-Expires",
        "Subscription-State",
        "To",
    }
)
"""Headers of which a message has at most one."""
