"""The faults that the simulated carrier and PBX can have: one row each. docs/testbench.md shows the list."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Literal

Side = Literal["carrier", "pbx"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name. `unit`: what its value means, `default`: the value where none is given."""

    name: str
    sides: tuple[Side, ...]
    text: str
    unit: str = ""
    default: float = 0.0


_BOTH: tuple[Side, ...] = ("carrier", "pbx")
FAULTS = (
    Fault("none", _BOTH, "nothing is wrong: the run to compare with"),
    Fault("lost-ack", ("pbx",), "never acknowledges the answer"),
    Fault("private-sdp", _BOTH, "SDP names 10.11.12.13, packets come from elsewhere"),
    Fault("private-contact", _BOTH, "Contact names 10.11.12.13"),
    Fault("dtmf-wrong-payload-type", ("pbx",), "agrees on payload type 101 for digits and sends them with 96"),
    Fault("dtmf-in-band", ("pbx",), "digits as tones in the audio, no telephone-event in SDP"),
    Fault("dtmf-info", ("pbx",), "digits by SIP INFO"),
    Fault("one-way-rtp", _BOTH, "answers, and never sends audio"),
    Fault("rtp-other-port", _BOTH, "audio comes from another port than SDP says"),
    Fault("no-bye", _BOTH, "goes away in the middle of the call: no BYE, no audio, no answer to anything"),
    Fault("late-200", ("carrier",), "rings so long, and answers 200 then, even when a CANCEL has come", "seconds", 3.0),
    Fault("session-interval-422", ("carrier",), "422 with Min-SE: 1800 to every INVITE that offers less"),
    Fault(
        "session-expires-drop", ("carrier",), "hangs up after so long: nobody has refreshed the session", "seconds", 4.0
    ),
    Fault("refuse-488", ("carrier",), "488 Not Acceptable Here to every offer"),
    Fault("malformed-sdp", _BOTH, "SDP without c= and with a broken m= line"),
    Fault("wrong-cseq", ("pbx",), "the INVITE with credentials has the CSeq of the one without"),
    Fault("retransmission-storm", _BOTH, "sends each INVITE, or each 200, so many times", "times", 20),
    Fault("loss", _BOTH, "leaves out this part of its audio packets", "percent", 10),
    Fault("jitter", _BOTH, "each audio packet up to so late", "milliseconds", 100),
    Fault("tls-expired-certificate", ("carrier",), "its TLS certificate has expired"),
    Fault("tls-1.0", _BOTH, "speaks no TLS newer than 1.0"),
)
BY_NAME = {fault.name: fault for fault in FAULTS}


@dataclass(frozen=True, slots=True)
class ChosenFault:
    """One fault, with its value."""

    name: str
    value: float

    def is_(self, *names: str) -> bool:
        return self.name in names


class UnknownFault(ValueError):
    """That side has no fault of this name; the text has several lines, one for each fault that it has."""

    def __init__(self, name: str, side: Side, width: int) -> None:
        shown = "".join(character if character.isprintable() else "?" for character in name[:40])
        wrong = f"no fault {shown!r}" if name else "a name is wanted"
        super().__init__(f"--fault: {wrong}; the {side} has these:\n{fault_list(side, width)}")


def choose(text: str, side: Side, width: int = 0) -> ChosenFault:
    """`loss=20`, `no-bye` → the fault. UnknownFault shows, in `width` columns, what there is; ValueError: a value that
    it does not take.
    """
    name, equals, value = text.partition("=")
    fault = BY_NAME.get(name)
    if fault is None or side not in fault.sides:
        raise UnknownFault(name, side, width)
    if equals and not fault.unit:
        raise ValueError(f"--fault {name} takes no value")
    try:
        number = float(value) if equals else fault.default
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100_000:
        raise ValueError(f"--fault {name}={value}: a number of {fault.unit} is wanted")
    return ChosenFault(name, number)


def fault_list(side: Side, width: int = 0) -> str:
    """What `--list-faults` prints: a line for each, in at most `width` columns (0: any); further ones are indented."""
    rows = [
        (f"{fault.name}{f'={fault.default:g}' if fault.unit else ''}", fault) for fault in FAULTS if side in fault.sides
    ]
    longest = max(len(name) for name, _ in rows)
    lines = []
    for name, fault in rows:
        line = f"{name:<{longest}}  {fault.text}{f' ({fault.unit})' if fault.unit else ''}"
        indent = " " * (longest + 2)
        lines += textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) if width else [line]
    return "\n".join(lines)
