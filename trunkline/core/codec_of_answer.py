"""The codec that an SDP answer chose: the first format of its media line (RFC 3264 section 6.1)."""

from __future__ import annotations

from collections.abc import Iterator

# RFC 3551 section 6, table 4: audio formats that need no rtpmap.
STATIC = {
    "0": "PCMU", "3": "GSM", "4": "G723", "5": "DVI4", "6": "DVI4", "7": "LPC", "8": "PCMA", "9": "G722", "10": "L16",
    "11": "L16", "12": "QCELP", "14": "MPA", "15": "G728", "16": "DVI4", "17": "DVI4", "18": "G729",
}  # fmt: skip
NO_CODEC = frozenset(("TELEPHONE-EVENT", "CN"))
"""Formats beside the codec: DTMF (RFC 4733) and comfort noise (RFC 3389)."""


def codec_of_answer(sdp: str) -> str | None:
    """Name of the codec of the first accepted audio stream, in the case of the IANA registry's short names: `PCMA`,
    `OPUS`.

    None where there is no audio, or only refused audio (port 0).
    """
    for payload_types, attributes in _audio(sdp):
        for payload_type in payload_types:
            name = _encoding(payload_type, attributes)
            if name is not None and name not in NO_CODEC:
                return name
    return None


def encodings(sdp: str) -> Iterator[set[str]]:
    """The names of all formats of each audio stream that is not refused (port 0)."""
    for payload_types, attributes in _audio(sdp):
        yield {name for name in (_encoding(payload_type, attributes) for payload_type in payload_types) if name}


def _audio(sdp: str) -> Iterator[tuple[list[str], str]]:
    """Payload types and attribute lines of each audio stream that is not refused."""
    for media in sdp.split("\nm=")[1:]:
        line, _, attributes = media.partition("\n")
        kind, _, rest = line.partition(" ")
        fields = rest.split()
        if kind == "audio" and len(fields) >= 3 and fields[0].partition("/")[0] != "0":
            yield fields[2:], attributes


def _encoding(payload_type: str, attributes: str) -> str | None:
    """`a=rtpmap:<payload type> <encoding name>/<clock rate>[/<channels>]` (RFC 8866 section 6.6)."""
    _, found, mapped = attributes.partition(f"a=rtpmap:{payload_type} ")
    if not found:
        return "CN" if payload_type == "13" else STATIC.get(payload_type)
    return mapped.partition("/")[0].strip()[:20].upper() or None
