"""Whether an SDP offer has a codec that every telephone network takes."""

from __future__ import annotations

from trunkline.core.codec_of_answer import encodings

G711 = frozenset(("PCMU", "PCMA"))


def lacks_g711(offer: str) -> bool:
    """True when it has audio and none of it may be PCMU or PCMA. Of no offer, or one without audio, nothing is said."""
    audio = list(encodings(offer))
    return bool(audio) and not any(G711 & names for names in audio)
