"""Which codecs an Asterisk peer allows: `disallow` and `allow` in order."""

from __future__ import annotations

from trunkline.pbx.lint.asterisk_conf import Option, Section

NAMES = {
    "ulaw": "PCMU",
    "mulaw": "PCMU",
    "alaw": "PCMA",
    "g722": "G722",
    "g729": "G729",
    "g729a": "G729",
    "gsm": "GSM",
    "opus": "OPUS",
    "ilbc": "ILBC",
    "g723": "G723",
    "g726": "G726-32",
    "speex": "SPEEX",
    "amr": "AMR",
}
"""Asterisk's name to that of SDP."""
ALL = "all"


def allowed(section: Section, default: tuple[str, ...] = ()) -> tuple[list[tuple[str, int]], Option | None]:
    """Codecs in SDP's names with their packet time (0: none given), best first, and the option that said so last.

    `default` is what the driver allows where nothing is said. `allow=all` gives `all`.
    """
    found: dict[str, int] = {NAMES.get(name, name.upper()): 0 for name in default}
    last: Option | None = None
    for option in section.all("allow", "disallow"):
        last = option
        for word in option.value.split(","):
            name, _, ptime = word.strip().lower().partition(":")
            remove = name.startswith("!") or option.name == "disallow"
            name = name.lstrip("!").strip()
            if not name:
                continue
            codec = name if name == ALL else NAMES.get(name, name.upper())
            if remove and codec == ALL:
                found.clear()
            elif remove:
                found.pop(codec, None)
            else:
                found[codec] = int(ptime) if ptime.isascii() and ptime.isdigit() and len(ptime) < 4 else 0
    return list(found.items()), last
