"""What the words of a refusal are about: reason phrase, Warning and Reason header, as carriers word them."""

from __future__ import annotations

from trunkline.analyzer.model.message import Message
from trunkline.analyzer.rules.quote import cut

_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rate", ("cps", "calls per second", "call rate", "rate limit", "too many calls per", "too many requests")),
    ("channels", ("concurrent", "channel limit", "max channels", "no channel", "capacity limit", "too many calls")),
    (
        "caller_id",
        (
            "caller id",
            "callerid",
            "caller-id",
            "calling number",
            "invalid cli",
            "unverified",
            "from number",
            "invalid from",
        ),
    ),
    ("identity", ("identity", "passport", "stir", "attestation", "verstat")),
    ("funds", ("balance", "funds", "credit", "payment", "billing", "insufficient")),
    (
        "permission",
        (
            "geo",
            "permission",
            "not permitted",
            "destination blocked",
            "barred",
            "blacklist",
            "blocked",
            "international",
        ),
    ),
    ("security", ("secure", "srtp", "encryption", "tls required")),
    (
        "source",
        ("acl", "source ip", "ip address", "unauthorized ip", "not in list", "unknown source", "relaying denied"),
    ),
    ("credentials", ("password", "credential", "authentication", "authorization", "digest", "bad auth", "wrong user")),
    ("number", ("invalid number", "phone number", "unallocated", "not in service", "e.164", "e164")),
)


def reason_text(message: Message) -> str:
    """Status, reason phrase, and what Warning or Reason add."""
    extra = message.value("Warning") or message.value("Reason")
    return cut(f"{message.status} {message.reason}".rstrip() + (f" ({extra})" if extra else ""), 200)


def about(message: Message) -> str:
    """`rate`, `channels`, `caller_id`, `identity`, `funds`, `permission`, `security`, `source`, `credentials` or
    `number`; empty: the words say nothing, as a bare `Forbidden`.
    """
    text = f"{message.reason} {message.value('Warning')} {message.value('Reason')} {message.value('X-Error')}".lower()
    return next((topic for topic, words in _WORDS if any(word in text for word in words)), "")


_DNS = ("no dns", "dns result", "unresolvable", "resolve", "host not found", "unknown host")


def names_dns(message: Message) -> bool:
    """Whether the reason phrase says that a name could not be resolved (Kamailio's 478, resiprocate's 503 …)."""
    text = message.reason.lower()
    return any(words in text for words in _DNS)
