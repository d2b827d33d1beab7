"""The configuration of one PBX for one trunk, as files and as text."""

from __future__ import annotations

from importlib import import_module

from trunkline.pbx.config.request import ConfigFile, RequestInvalid, TrunkRequest
from trunkline.pbx.snippets import SYSTEMS

WRITERS = {
    "asterisk": "asterisk.files",
    "chan_sip": "chan_sip.files",
    "freepbx": "webforms.freepbx",
    "freeswitch": "freeswitch.files",
    "fusionpbx": "webforms.fusionpbx",
    "3cx": "webforms.threecx",
    "kamailio": "kamailio.files",
    "opensips": "opensips.files",
    "cube": "cube.files",
    "audiocodes": "audiocodes.files",
}


def configuration(request: TrunkRequest, pbx: str) -> list[ConfigFile]:
    """All files or pages that `pbx` (a name of `snippets.SYSTEMS`) needs. Raises RequestInvalid."""
    if pbx not in WRITERS:
        raise RequestInvalid(f"no system {pbx[:40]!r}: there are {', '.join(SYSTEMS)}")
    module, name = WRITERS[pbx].split(".")
    found: list[ConfigFile] = getattr(import_module(f"trunkline.pbx.config.{module}"), name)(request)
    return found


def as_text(files: list[ConfigFile], pbx: str) -> str:
    """For a terminal: each file under its name, ready to be copied."""
    mark = "!" if pbx == "cube" else "#"
    parts = []
    for one in files:
        head = f"{mark} {one.path}" if pbx not in ("asterisk", "chan_sip") else f"; {one.path}"
        rule = head[0] + " " + "-" * 78
        note = f"\n{head[0]} {one.note}" if one.note else ""
        parts.append(f"{rule}\n{head}{note}\n\n{one.text}\n")
    return "\n".join(parts)
