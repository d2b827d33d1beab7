"""What the readers keep from message to message, because it stands in the next one too."""

from __future__ import annotations

from trunkline.analyzer.sip import address, lines, parser, sdp


def forget() -> None:
    """Empties it all: an analysis leaves nothing of its input behind."""
    lines.forget()
    address.forget()
    sdp.forget()
    parser.usual_status_line.cache_clear()
