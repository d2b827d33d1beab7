"""What a fix is made of, before and after the values of a trace are filled in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """How one system does what a topic asks for. `{public_ip}` and the like stand for `snippets.VALUES`."""

    file: str
    """The configuration file, or the way to the page of a web interface."""
    snippet: str = ""
    """Lines to add or to change. One that holds `{provider_network}` is written once for each network."""
    text: str = ""
    """What the snippet does not say: where to click, what to reload, what to look out for."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One change that repairs something, whatever the system: a rule names one topic or several."""

    title: str
    text: str = ""
    """What to do where no system is known, or where it is no setting of one."""
    snippet: str = ""
    """A command that does not depend on the system (`tcpdump …`)."""


@dataclass(frozen=True, slots=True)
class PbxFix:
    """A change to make, filled in."""

    pbx: str
    """Name of `snippets.SYSTEMS`; `any` where it is no setting of a PBX."""
    title: str
    file: str
    snippet: str
    text: str
