"""Text logs: Asterisk, FreeSWITCH, Cisco, AudioCodes, Oracle, sngrep, HOMER, ngrep, pasted messages."""

from trunkline.analyzer.text.read import TextLog, read_text

__all__ = ["TextLog", "read_text"]
