"""Cisco CUBE on IOS XE 16 and 17."""

from __future__ import annotations

from trunkline.pbx.config.request import ConfigFile, TrunkRequest, netmask

PBX = "PBX_IP"


def files(request: TrunkRequest) -> list[ConfigFile]:
    parts = [_service(request), _agent(request), _classes(request), _translations(request), _peers(request)]
    note = f"Write the address of your PBX for {PBX}, and your outside interface for GigabitEthernet0/0."
    if request.edge:
        note += f" The name {request.domain} has to lead to {request.edge}: ip host {request.domain} {request.edge}"
    return [ConfigFile("configure terminal", "\n!\n".join(parts), note)]


def _service(request: TrunkRequest) -> str:
    trusted = []
    for source in request.sources:
        address, mask = netmask(source)
        if address[:1].isdigit():
            trusted.append(f"  ipv4 {address} {mask}".rstrip())
    lines = ["voice service voip", " mode border-element", " allow-connections sip to sip"]
    lines += [" ip address trusted list", *trusted, f"  ipv4 {PBX}"]
    lines += [" no supplementary-service sip refer", " rtp-port range 10000 20000", " sip", "  early-offer forced"]
    return "\n".join([*lines, "  midcall-signaling passthru media-change"])


def _agent(request: TrunkRequest) -> str:
    lines = ["sip-ua", " retry invite 2", " timers trying 1000"]
    if request.has_credentials:
        lines.append(f" authentication username {request.username} password 0 {request.password}")
    if request.way == "registration":
        lines.append(f" credentials username {request.username} password 0 {request.password} realm {request.domain}")
        lines.append(f" registrar dns:{request.domain} expires 300 refresh-ratio 80")
    else:
        lines.append(" no registrar")
    if request.secure:
        lines += [" transport tcp tls v1.2", " crypto signaling default trustpoint TRUNK"]
    return "\n".join(lines)


def _classes(request: TrunkRequest) -> str:
    lines = ["voice class codec 100", " codec preference 1 g711ulaw", " codec preference 2 g711alaw"]
    lines += ["voice class e164-pattern-map 100", *("  e164 \\" + number for number in request.numbers)]
    if request.secure:
        lines += ["voice class srtp-crypto 1", " crypto 1 AES_CM_128_HMAC_SHA1_80"]
    return "\n".join(lines)


def _translations(request: TrunkRequest) -> str:
    return "\n".join(
        [
            "voice translation-rule 100",
            " rule 1 /^\\+/ /+/",
            " rule 2 /^011\\(.*\\)/ /+\\1/",
            " rule 3 /^1\\([2-9].........\\)$/ /+1\\1/",
            " rule 4 /^\\([2-9].........\\)$/ /+1\\1/",
            "voice translation-rule 101",
            f" rule 1 /.*/ /{request.number}/",
            "voice translation-profile TO-TRUNK",
            " translate called 100",
            " translate calling 101",
        ]
    )


def _peers(request: TrunkRequest) -> str:
    port = f":{request.real_port}" if request.secure or request.port else ""
    media = [" voice-class codec 100", " dtmf-relay rtp-nte", " no vad"]
    bound = [
        " voice-class sip bind control source-interface GigabitEthernet0/0",
        " voice-class sip bind media source-interface GigabitEthernet0/0",
    ]
    secure = [" srtp", " voice-class sip srtp-crypto 1"] if request.secure else []
    transport = " session transport tcp tls" if request.secure else " session transport udp"
    return "\n".join(
        [
            "dial-peer voice 100 voip",
            " description calls to the trunk (termination)",
            " translation-profile outgoing TO-TRUNK",
            " destination-pattern [+0-9]T",
            " session protocol sipv2",
            f" session target dns:{request.domain}{port}",
            transport,
            f" voice-class sip localhost dns:{request.domain}",
            " voice-class sip options-keepalive up-interval 60 down-interval 30 retry 3",
            *bound,
            *media,
            *secure,
            "dial-peer voice 110 voip",
            " description calls from the trunk (origination)",
            " session protocol sipv2",
            " incoming called e164-pattern-map 100",
            *bound,
            *media,
            *secure,
            "dial-peer voice 120 voip",
            " description calls of the trunk to the PBX",
            " destination e164-pattern-map 100",
            " session protocol sipv2",
            f" session target ipv4:{PBX}",
            *media,
        ]
    )
