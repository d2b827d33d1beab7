"""Judges rtp.conf of Asterisk."""

from __future__ import annotations

from trunkline.pbx.lint.asterisk_conf import Configuration, Option, Section
from trunkline.pbx.lint.desk import Desk

FIXED = "[general]\nrtpstart=10000\nrtpend=20000"
FEW_CALLS = 10
"""A call takes four ports (two legs, RTP and RTCP), so below this many calls somebody will meet the end of them."""


def judge(configuration: Configuration, desk: Desk) -> None:
    for section in configuration.named("general"):
        _ports(section, desk)
        _source(section, desk)


def _ports(section: Section, desk: Desk) -> None:
    first, last = section.last("rtpstart"), section.last("rtpend")
    for option in (first, last):
        if option is not None and _port(option) is None:
            what = f"{option.name}={option.value} is no port."
            desk.problem("MEDIA-01", option.place, what, "Asterisk takes another one, or no media at all.", FIXED)
            return
    low = _port(first) if first is not None else 5000
    high = _port(last) if last is not None else 31000
    option = last or first
    if option is None or low is None or high is None:
        return
    if low >= high:
        what = f"rtpstart is {low} and rtpend {high}: no port is left between them."
        why = "Asterisk then falls back to 5000 to 31000, which no firewall rule of yours is meant for."
        desk.problem("MEDIA-01", option.place, what, why, FIXED)
    elif high - low + 1 < FEW_CALLS * 4:
        what = f"There are {high - low + 1} ports for media; a call between a phone and the trunk takes four."
        desk.hint("MEDIA-01", option.place, what, "Calls that find none have no audio, or fail.", FIXED)
    elif low <= 5060 <= high:
        what = f"The media ports {low} to {high} hold 5060, the port of SIP."
        desk.hint("MEDIA-01", option.place, what, "A call may want a port that is taken.", FIXED)


def _port(option: Option) -> int | None:
    value = option.value
    if not (value.isascii() and value.isdigit() and len(value) < 6):
        return None
    return int(value) if 0 < int(value) < 65536 else None


def _source(section: Section, desk: Desk) -> None:
    option = section.last("strictrtp")
    if option is not None and option.value.lower() in ("no", "false", "off", "0", "n"):
        what = "strictrtp=no takes media from anybody."
        desk.hint("MEDIA-09", option.place, what, "A stranger can speak into a call.", "strictrtp=yes")
