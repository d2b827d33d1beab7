"""Asterisk with chan_sip, up to Asterisk 20."""

from __future__ import annotations

import ipaddress

from trunkline.pbx.config import asterisk
from trunkline.pbx.config.request import PASSWORD, ConfigFile, TrunkRequest


def files(request: TrunkRequest) -> list[ConfigFile]:
    return [
        ConfigFile(
            "/etc/asterisk/sip.conf", _sip(request), request.note(asterisk.KEYS, "Then: asterisk -rx 'sip reload'")
        ),
        ConfigFile("/etc/asterisk/rtp.conf", asterisk.rtp()),
        ConfigFile(
            "/etc/asterisk/extensions.conf",
            asterisk.dialplan(request, "SIP/{trunk}/{number}", "SIP/").replace(
                "PJSIP_HEADER(read,To)", "SIP_HEADER(To)"
            ),
            f"Phones have context=to-{request.name}.",
        ),
    ]


def _sip(request: TrunkRequest) -> str:
    general = ["[general]", "allowguest=no", "session-timers=refuse", "srvlookup=yes"]
    if request.secure:
        general += [
            "tlsenable=yes",
            "tlsbindaddr=0.0.0.0:5061",
            "tlscertfile=/etc/asterisk/keys/asterisk.pem",
            f"tlscafile={request.authorities(asterisk.KEYS)}",
        ]
    if request.public_ip:
        general += [f"externaddr={request.public_ip}", f"localnet={request.local_net or '192.168.0.0/16'}"]
    else:
        general += ["; behind NAT, both of these:", ";externaddr=PUBLIC_IP", ";localnet=192.168.0.0/16"]
    if request.way == "registration":
        secret = request.password.replace(":", "\\:") if request.password != PASSWORD else PASSWORD
        general.append(
            f"register={request.username}@{request.domain}:{asterisk.escaped(secret)}:{request.username}@{request.name}"
            f"/{request.username}"
        )
    peer = ["", f"[{request.name}]", "type=peer", f"host={request.domain}", f"fromdomain={request.domain}"]
    if request.port or request.secure:
        peer.append(f"port={request.real_port}")
    if request.edge:
        proxy = f"{request.edge}:{request.real_port},force"
        peer.append(f"outboundproxy={'tls://' if request.secure else ''}{proxy}")
    if request.has_credentials:
        peer += [f"defaultuser={request.username}", f"remotesecret={asterisk.escaped(request.password)}"]
    peer += [
        f"context=from-{request.name}",
        "insecure=port,invite",
        f"transport={request.transport}",
        "encryption=yes" if request.secure else "encryption=no",
        "disallow=all",
        "allow=ulaw",
        "allow=alaw",
        "dtmfmode=rfc2833",
        "directmedia=no",
        "nat=force_rport,comedia",
        "qualify=yes",
    ]
    return "\n".join([*general, *peer, *_sources(request)])


def _sources(request: TrunkRequest) -> list[str]:
    """chan_sip knows who calls by one address for each peer, so each network needs one."""
    hosts = [address for source in request.sources for address in _addresses(source)]
    lines = ["", "; calls that come in: chan_sip knows a peer by one address, so each address needs a peer"]
    for count, address in enumerate(hosts, 1):
        lines += [f"[{request.name}-in{count}]({request.name})", f"host={address}"]
    return lines if hosts else []


def _addresses(source: str) -> list[str]:
    """The addresses of a network of at most 16; of a larger one, or a name, none."""
    try:
        network = ipaddress.ip_network(source, strict=False)
    except ValueError:
        return []
    return [str(address) for address in network] if network.num_addresses <= 16 else []
