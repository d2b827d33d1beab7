"""Settings → the command line of rtpengine. It runs unprivileged: no kernel module, no iptables, ports above 1023."""

from __future__ import annotations

from ipaddress import ip_address

from trunkline.core.policy import LONGEST_SETUP
from trunkline.settings import Settings, SettingsError

PORTS_PER_CALL = 4
"""RTP and RTCP, towards the caller and towards the callee."""
MUTED_SECONDS = 7200
"""The same where the SDP says that nothing is sent (hold)."""
UNANSWERED_SECONDS = LONGEST_SETUP + 60
"""An offer without an answer. The edge gives up earlier; this frees what a killed edge left behind."""
EXPEDITED_FORWARDING = 46 << 2
"""DSCP EF as a TOS byte: what networks expect of voice (RFC 4594 section 4.1)."""

LOG_LEVELS = {"debug": 7, "info": 5, "warning": 4, "error": 3}
"""Ours → syslog's. rtpengine's own `info` is some twenty lines per call, so ours is its `notice`."""


def max_calls(settings: Settings) -> int:
    """How many calls the range of RTP ports carries at a time."""
    first, last = settings.media_ports
    return (last - first + 1) // PORTS_PER_CALL


def command(settings: Settings, ng_port: int, program: str = "rtpengine") -> list[str]:
    """The argument vector of rtpengine for this node. Raises SettingsError for addresses and ports that cannot work."""
    first, last = settings.media_ports
    calls = max_calls(settings)
    if calls < 1:
        raise SettingsError(
            f"--rtp-ports {first}-{last} has no room for a call, which takes {PORTS_PER_CALL}: write a wider range"
        )
    return [
        program,
        "--config-file=none",
        "--foreground",
        "--log-stderr",
        "--no-log-timestamps",
        f"--log-level={LOG_LEVELS[settings.log_level]}",
        "--table=-1",
        f"--interface={_interface(settings)}",
        # Of one name with the first: which of them a side gets, the SDP's own family says, or `address-family`.
        *([] if settings.second_host is None else [f"--interface={settings.second_host}"]),
        f"--listen-ng=127.0.0.1:{ng_port}",
        f"--port-min={first}",
        f"--port-max={last}",
        f"--max-sessions={calls}",
        f"--timeout={settings.media_timeout}",
        f"--silent-timeout={MUTED_SECONDS}",
        f"--offer-timeout={UNANSWERED_SECONDS}",
        "--delete-delay=0",
        # Sends back at once to where packets come from, so nobody behind NAT misses the first seconds, and settles
        # after 3 s, preferring the address of the SDP. (`immediate` settles on the first packet for good: one stray
        # packet and the caller never hears anything; measured.)
        "--endpoint-learning=heuristic",
        # Estimate quality also where no round trip is known; without this such reports are not kept at all.
        "--mos=LQ",
        f"--tos={EXPEDITED_FORWARDING}",
    ]


def _interface(settings: Settings) -> str:
    """`<local address>[!<advertised address>]`."""
    try:
        local = ip_address(settings.sip_host)
        public = ip_address(settings.public_ip) if settings.public_ip is not None else local
    except ValueError as error:
        raise SettingsError(f"media needs IP addresses: {error}. Correct --sip-host or --public-ip") from None
    if public.is_unspecified:
        raise SettingsError(
            f"--sip-host {local} is every address of this machine, and SDP needs one: write it as --public-ip"
        )
    return str(local) if public == local else f"{local}!{public}"
