"""Which hops are between the customer and the provider, and who of the two is which.

Proof first: addresses, hosts, realm, agents and headers of the recognised provider. Without a provider that is known, a
PBX that speaks with a public address that is no phone, or registers there, speaks with its provider. All else stays
unknown: a wrong guess would judge a phone by a carrier's rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.analyzer.addresses import is_private
from trunkline.analyzer.calls.agents import agent_of, is_phone, is_scanner, pbx_of
from trunkline.analyzer.calls.sides import OTHER, Side, side_of
from trunkline.analyzer.model.call import Dialog
from trunkline.analyzer.model.capture import Capture
from trunkline.analyzer.model.message import Message
from trunkline.analyzer.model.trace import Options
from trunkline.analyzer.profiles.profile import Profile
from trunkline.analyzer.profiles.recognise import provider_message

_LOG_PBX = {
    "asterisk-pjsip": "asterisk",
    "asterisk-history": "asterisk",
    "asterisk-chan-sip": "chan_sip",
    "freeswitch": "freeswitch",
    "kamailio": "kamailio",
    "opensips": "opensips",
    "cisco-cube": "cube",
    "audiocodes": "audiocodes",
}
_SIDES: tuple[Side, Side] = ("callee", "caller")
_MOST_LOOKED_AT = 12
"""Messages of a hop: what a side calls itself it says in the first."""


@dataclass(slots=True)
class _Sides:
    """What one hop's messages say of both sides."""

    pbx: dict[Side, str] = field(default_factory=dict)
    phone: set[Side] = field(default_factory=set)
    scanner: set[Side] = field(default_factory=set)


def set_facing(dialogs: list[Dialog], profile: Profile, capture: Capture, options: Options) -> None:
    """Fills in `pbx`, `pbx_side`, `facing`, `facing_why` and `provider_side` of all hops."""
    pbx_hosts: dict[str, str] = {}
    read = []
    for dialog in dialogs:
        sides = _sides(dialog, capture)
        read.append(sides)
        for side, name in sides.pbx.items():
            endpoint = dialog.caller if side == "caller" else dialog.callee
            if endpoint is not None:
                pbx_hosts.setdefault(endpoint.ip, name)
    phones = _phone_hosts(dialogs, read)
    hosts = {side.ip for dialog in dialogs for side in (dialog.caller, dialog.callee) if side is not None}
    own = {ip for ip in hosts if profile.has_address(ip)}
    for dialog, sides in zip(dialogs, read, strict=True):
        _add_known_hosts(dialog, sides, pbx_hosts, phones)
        _face(dialog, sides, profile, own)
        _set_pbx(dialog, sides, options)


def _sides(dialog: Dialog, capture: Capture) -> _Sides:
    found = _Sides()
    for message in dialog.messages[:_MOST_LOOKED_AT]:
        agent = agent_of(message)
        logged_by_us = message.raw.source == "text" and message.raw.sent_by_us is not None
        if not agent and not logged_by_us:
            continue
        side = side_of(dialog, message)
        name = pbx_of(message, agent)
        if name:
            found.pbx.setdefault(side, name)
        elif is_phone(agent):
            found.phone.add(side)
        elif is_scanner(agent):
            found.scanner.add(side)
        if logged_by_us:
            logged = _of_log(message, capture)
            if logged:
                # The program that wrote the log is the PBX, whatever it calls itself.
                own = side if message.raw.sent_by_us else OTHER[side]
                if not _related(found.pbx.get(own, ""), logged):
                    found.pbx[own] = logged
    return found


def _of_log(message: Message, capture: Capture) -> str:
    file = message.place.file
    name = capture.files[file].format if file < len(capture.files) else ""
    return _LOG_PBX.get(name.removeprefix("text:").partition(".")[0], "")


def _related(said: str, logged: str) -> bool:
    """FreePBX writes Asterisk's log, FusionPBX FreeSWITCH's: what the header says is the finer word."""
    return (said, logged) in {
        ("freepbx", "asterisk"),
        ("freepbx", "chan_sip"),
        ("chan_sip", "asterisk"),
        ("fusionpbx", "freeswitch"),
    } or said == logged


def _phone_hosts(dialogs: list[Dialog], read: list[_Sides]) -> set[str]:
    """Addresses of what calls itself a phone, and of what registers at a PBX and is none."""
    hosts: set[str] = set()
    for dialog, sides in zip(dialogs, read, strict=True):
        if dialog.kind == "registration" and "callee" in sides.pbx and "caller" not in sides.pbx:
            sides.phone.add("caller")
        for side in sides.phone:
            endpoint = dialog.caller if side == "caller" else dialog.callee
            if endpoint is not None:
                hosts.add(endpoint.ip)
    return hosts


def _add_known_hosts(dialog: Dialog, sides: _Sides, pbx_hosts: dict[str, str], phones: set[str]) -> None:
    """What a side does not say here it may have said in another dialog."""
    for side, endpoint in (("caller", dialog.caller), ("callee", dialog.callee)):
        if endpoint is None:
            continue
        own: Side = "caller" if side == "caller" else "callee"
        if own not in sides.pbx and endpoint.ip in pbx_hosts and own not in sides.phone:
            sides.pbx[own] = pbx_hosts[endpoint.ip]
        elif own not in sides.pbx and endpoint.ip in phones:
            sides.phone.add(own)


def _face(dialog: Dialog, sides: _Sides, profile: Profile, own: set[str]) -> None:
    """`own`: addresses in the trace that are the provider's."""
    if not profile.is_generic:
        side, why = _by_profile(dialog, profile, own)
        if side:
            dialog.facing, dialog.provider_side, dialog.facing_why = "provider", side, why
            return
        if _has_addresses(profile):
            dialog.facing_why = why or f"neither side is of {profile.title}"
            dialog.facing = "inside" if _inside(dialog, sides) else "unknown"
            return
    _by_looks(dialog, sides)


def _has_addresses(profile: Profile) -> bool:
    return bool(profile.signalling.networks or profile.signalling.hosts)


def _by_profile(dialog: Dialog, profile: Profile, own: set[str]) -> tuple[Side, str]:
    for endpoint, side in ((dialog.callee, "callee"), (dialog.caller, "caller")):
        if endpoint is not None and endpoint.ip in own:
            return ("callee" if side == "callee" else "caller"), f"{endpoint.ip} is an address of {profile.title}"
    for message in dialog.messages[:_MOST_LOOKED_AT]:
        sent, why = provider_message(profile, message)
        if not sent:
            continue
        side = side_of(dialog, message) if sent == "sender" else OTHER[side_of(dialog, message)]
        endpoint = dialog.caller if side == "caller" else dialog.callee
        if endpoint is not None and profile.signalling.networks and (own or _passed_on(endpoint.ip)):
            # The provider's headers from another address: the customer's own SBC or PBX has handed them on.
            return "", f"{why}, passed on by {endpoint.ip}"
        return side, why
    return "", ""


def _passed_on(ip: str) -> bool:
    return is_private(ip) and not ip.startswith("127.") and ip != "::1"


def _by_looks(dialog: Dialog, sides: _Sides) -> None:
    if _inside(dialog, sides):
        dialog.facing = "inside"
        return
    for side in _SIDES:
        endpoint = dialog.callee if side == "callee" else dialog.caller
        name = sides.pbx.get(OTHER[side], "")
        if endpoint is None or not name or side in sides.phone or side in sides.scanner:
            continue
        if dialog.kind == "registration" and side == "callee":
            why = f"the PBX ({name}) registers at {endpoint}"
        elif dialog.kind != "registration" and _outside(dialog, side, sides):
            why = f"the PBX ({name}) speaks with the public address {endpoint.ip}"
        else:
            continue
        dialog.facing, dialog.provider_side, dialog.facing_why = "provider", side, why
        return


def _outside(dialog: Dialog, side: Side, sides: _Sides) -> bool:
    """Whether this side is the provider's by its address. Carriers run Asterisk and Kamailio too: of two such, the one
    with the public address is the carrier's if the other has a private one.
    """
    endpoint, other = (dialog.callee, dialog.caller) if side == "callee" else (dialog.caller, dialog.callee)
    if endpoint is None or is_private(endpoint.ip):
        return False
    return side not in sides.pbx or (other is not None and is_private(other.ip))


def _inside(dialog: Dialog, sides: _Sides) -> bool:
    """A phone speaks with the PBX, or both are phones."""
    if sides.phone and dialog.caller is not None and dialog.callee is not None:
        if sides.pbx or len(sides.phone) == 2:
            dialog.facing_why = "a phone and its PBX" if sides.pbx else "two phones"
            return True
        if is_private(dialog.caller.ip) and is_private(dialog.callee.ip):
            dialog.facing_why = "a phone within a private network"
            return True
    return False


def _set_pbx(dialog: Dialog, sides: _Sides, options: Options) -> None:
    """The customer's PBX: never the provider's machine, whatever program that runs."""
    own = OTHER[dialog.provider_side]
    names = {side: name for side, name in sides.pbx.items() if side == own or not own}
    if names:
        side = next(iter(names))
        dialog.pbx, dialog.pbx_side = names[side], side
    if options.pbx:
        dialog.pbx = options.pbx
        dialog.pbx_side = dialog.pbx_side or own
