"""Session descriptions as the rules ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from trunkline.analyzer.model.call import OfferAnswer
from trunkline.analyzer.model.message import Message, Sdp, SdpMedia
from trunkline.analyzer.rules.facts import Facts, Hop

NO_AUDIO = frozenset(("telephone-event", "cn", "red", "tone"))
SECURE = ("RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF")
PLAIN = ("RTP/AVP", "RTP/AVPF")


def codecs(section: SdpMedia | None) -> list[str]:
    """Encoding names in lower case, in order of preference; events and comfort noise left out."""
    if section is None:
        return []
    names: list[str] = []
    for text in section.formats:
        entry = section.rtpmap.get(int(text)) if text.isascii() and text.isdigit() else None
        if entry is not None and entry[0].lower() not in NO_AUDIO and entry[0].lower() not in names:
            names.append(entry[0].lower())
    return names


def audio(sdp: Sdp | None) -> SdpMedia | None:
    """The first audio section."""
    return None if sdp is None else sdp.audio


def described(hop: Hop) -> list[tuple[Message, Sdp]]:
    """Messages with a description, without what was sent again."""
    return hop.described


def is_fax(sdp: Sdp | None) -> bool:
    """Whether the description asks for T.38 over UDPTL."""
    section = sdp.first("image") if sdp is not None else None
    return section is not None and section.port > 0 and "udptl" in section.protocol.lower()


def answered(facts: Facts) -> Iterator[tuple[Hop, OfferAnswer, Message, Sdp]]:
    """Offers of calls that got an answer."""
    for hop in facts.calls():
        for exchange in hop.dialog.exchanges:
            if exchange.answer is not None and exchange.answer_sdp is not None:
                yield hop, exchange, exchange.answer, exchange.answer_sdp


def is_secure(section: SdpMedia | None) -> bool:
    """Whether the section is SRTP by its profile."""
    return section is not None and section.protocol.upper() in SECURE


def may_be_secure(section: SdpMedia | None) -> bool:
    """SRTP by its profile or, opportunistically, by its keys (RFC 8643)."""
    return section is not None and (is_secure(section) or bool(section.crypto))


@lru_cache(maxsize=4096)
def crypto(value: str) -> tuple[str, str]:
    """Tag and suite of an a=crypto value (RFC 4568 section 9.1)."""
    parts = value.split(None, 2)
    return (parts[0], parts[1].upper()) if len(parts) > 1 else ("", "")


def muted(section: SdpMedia | None) -> str:
    """Why nothing comes from the other side to the sender of this section: `inactive`, `sendonly`, `0.0.0.0`, `port 0`
    or empty."""
    if section is None:
        return ""
    if section.port == 0:
        return "port 0"
    if section.address == "0.0.0.0":
        return "0.0.0.0"
    return section.direction if section.direction in ("inactive", "sendonly") else ""
