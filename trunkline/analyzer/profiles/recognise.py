"""Which provider's trunk this is: its addresses, hosts, realm, agents and headers in the messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from trunkline.analyzer.model.message import Message
from trunkline.analyzer.profiles.profile import Profile, builtin_names, load_profile, matches_host
from trunkline.analyzer.sip.address import read_uri

Who = Literal["sender", "receiver", ""]
_MOST_LOOKED_AT = 5_000


def recognise(messages: Iterable[Message], wanted: str | None = None) -> tuple[Profile, str]:
    """The profile and, in words, why it is this. `wanted`: the user's word, which wins. Raises ProfileInvalid for a
    wrong one; without it nothing raises, and `generic` is what is left.
    """
    if wanted is not None:
        return load_profile(wanted), f"chosen: {wanted}"
    profiles = [load_profile(name) for name in builtin_names() if name != "generic"]
    votes: Counter[str] = Counter()
    by_address: dict[tuple[str, str], str] = {}
    why: dict[str, str] = {}
    for _, message in zip(range(_MOST_LOOKED_AT), messages, strict=False):
        for profile in profiles:
            text = _by_address(profile, message, by_address) or provider_message(profile, message)[1]
            if text:
                votes[profile.name] += 1
                why.setdefault(profile.name, text)
    if not votes:
        return load_profile("generic"), "no provider that is known was recognised"
    name = votes.most_common(1)[0][0]
    return next(profile for profile in profiles if profile.name == name), why[name]


def _by_address(profile: Profile, message: Message, known: dict[tuple[str, str], str]) -> str:
    for endpoint in (message.dst, message.src):
        if endpoint is None:
            continue
        key = profile.name, endpoint.ip
        text = known.get(key)
        if text is None:
            ours = profile.has_address(endpoint.ip)
            text = known[key] = f"{endpoint.ip} is an address of {profile.title}" if ours else ""
        if text:
            return text
    return ""


def provider_message(profile: Profile, message: Message) -> tuple[Who, str]:
    """Whether a message's own words say that the provider sent it, or was meant to get it; and which words."""
    signalling = profile.signalling
    agent = (message.value("Server") or message.value("User-Agent")).lower()
    if agent and any(agent.startswith(known.lower()) for known in signalling.agents):
        return "sender", f"{agent_header(message)}: {agent[:60]}"
    header = _own_header(profile, message)
    if header:
        return "sender", f"header {header}"
    if message.status in (401, 407):
        return _by_realm(profile, message)
    if message.is_request and message.ruri and signalling.hosts:
        host = read_uri(message.ruri)[2]
        if matches_host(host, signalling.hosts):
            return "receiver", f"Request-URI host {host}"
    return "", ""


def agent_header(message: Message) -> str:
    return "Server" if message.has("Server") else "User-Agent"


def _own_header(profile: Profile, message: Message) -> str:
    return _own_name(profile.signalling.headers, message.head.names)


@lru_cache(maxsize=1024)
def _own_name(wanted: tuple[str, ...], names: tuple[str, ...]) -> str:
    """The first of the wanted headers, `*` at the end standing for anything; the messages of one program have the same
    names again and again.
    """
    for known in wanted:
        if known.endswith("*"):
            stem = known[:-1].lower()
            name = next((name for name in names if name.lower().startswith(stem)), "")
            if name:
                return name
        elif known in names:
            return known
    return ""


def _by_realm(profile: Profile, message: Message) -> tuple[Who, str]:
    for name in ("Proxy-Authenticate", "WWW-Authenticate"):
        value = message.value(name).lower()
        for realm in profile.authentication.realms:
            if f'realm="{realm.lower()}"' in value:
                return "sender", f"digest realm {realm}"
    return "", ""
