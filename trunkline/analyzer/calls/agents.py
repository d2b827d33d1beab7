"""Which program speaks, by what it writes into User-Agent and Server, and by how it makes its branches and tags."""

from __future__ import annotations

from functools import lru_cache

from trunkline.analyzer.model.message import Message

# Part of the header, in lower case, to the name of a `pbx` system; the first that fits wins.
_PBX = (
    ("fpbx", "freepbx"),
    ("freepbx", "freepbx"),
    ("fusionpbx", "fusionpbx"),
    ("freeswitch", "freeswitch"),
    ("3cxphonesystem", "3cx"),
    ("3cx phone system", "3cx"),
    ("asterisk", "asterisk"),
    ("issabel", "freepbx"),
    ("kamailio", "kamailio"),
    ("opensips", "opensips"),
    ("cisco-sipgateway", "cube"),
    ("audiocodes", "audiocodes"),
    ("mediant", "audiocodes"),
)
_NO_PBX = ("3cxphone for", "3cxphone/", "3cx voip phone", "twilio")
# fmt: off
_PHONES = (
    "x-lite", "eyebeam", "bria", "zoiper", "linphone", "yealink", "grandstream", "polycom", "snom", "cisco-cp",
    "cisco/spa", "linksys", "sipura", "microsip", "jitsi", "baresip", "fanvil", "gigaset", "csipsimple", "sipps",
    "ekiga", "twinkle", "pjsua", "mitel", "aastra", "htek", "obihai", "acrobits", "groundwire", "sipml", "jssip",
    "sip.js", "sipdroid", "3cxphone", "telephone", "blink", "ninja", "phoner", "softphone", "wildix", "obi2", "ht8",
    "ht7",
)
# fmt: on
_SCANNERS = ("friendly-scanner", "sipvicious", "sipcli", "pplsip", "sundayddr", "vaxsipuseragent", "sip-scan")


@lru_cache(maxsize=1024)
def pbx_of_agent(agent: str) -> str:
    """Name of a `pbx` system, empty where it is none."""
    lower = agent[:200].lower()
    if any(part in lower for part in _NO_PBX):
        return ""
    return next((name for part, name in _PBX if part in lower), "")


@lru_cache(maxsize=1024)
def is_phone(agent: str) -> bool:
    lower = agent[:200].lower()
    return any(part in lower for part in _PHONES)


@lru_cache(maxsize=1024)
def is_scanner(agent: str) -> bool:
    """A tool that looks for open SIP servers (rule AUTH-11)."""
    lower = agent[:200].lower()
    return any(part in lower for part in _SCANNERS)


def agent_of(message: Message) -> str:
    """What the sender calls itself; a request's User-Agent is the client's, a response's Server the server's."""
    if message.status:
        return message.value("Server") or message.value("User-Agent")
    return message.value("User-Agent") or message.value("Server")


def pbx_of(message: Message, agent: str) -> str:
    """The sender's `pbx` system. Asterisk's old driver is told by its branches and tags. `agent`: as `agent_of` gives
    it.
    """
    name = pbx_of_agent(agent)
    if name == "asterisk" and _chan_sip(message):
        return "chan_sip"
    return name


def _chan_sip(message: Message) -> bool:
    """`branch=z9hG4bK` + 8 hexadecimal digits and tags `as` + 8 of them; PJSIP's branches begin with z9hG4bKPj."""
    tag = message.to_tag if message.status else message.from_tag
    return len(tag) == 10 and tag.startswith("as") and all(char in "0123456789abcdef" for char in tag[2:])
