"""Programs that scan the Internet for open PBXs, by what they call themselves."""

from __future__ import annotations

from functools import lru_cache

from trunkline.analyzer.model.message import Message

NAMES = (
    *("friendly-scanner", "friendly-request", "sipvicious", "sipcli", "pplsip", "sundayddr", "sip-scan"),
    *("sivus", "siparmyknife", "custom-scanner"),
)


def scanner_name(message: Message | None) -> str:
    """The User-Agent, where it is one of theirs; else empty."""
    if message is None or message.status:
        return ""
    agent = message.value("User-Agent")
    return agent if agent and _is_theirs(agent[:200]) else ""


@lru_cache(maxsize=256)
def _is_theirs(agent: str) -> bool:
    low = agent.lower()
    return any(name in low for name in NAMES)


def is_scanner(message: Message | None) -> bool:
    """Whether a request comes from such a program."""
    return bool(scanner_name(message))
