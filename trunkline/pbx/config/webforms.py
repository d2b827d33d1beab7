"""Systems that are set up in a web interface: FreePBX, FusionPBX and 3CX. What is given is the page and its fields."""

from __future__ import annotations

from trunkline.pbx.config import freeswitch
from trunkline.pbx.config.request import ConfigFile, TrunkRequest

APPLY = "Submit, then Apply Config."


def _fields(*pairs: tuple[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs if value)


def freepbx(request: TrunkRequest) -> list[ConfigFile]:
    return [*_freepbx_trunk(request), *_freepbx_routes(request)]


def _freepbx_trunk(request: TrunkRequest) -> list[ConfigFile]:
    trunk = f"Connectivity > Trunks > Add SIP (chan_pjsip) Trunk, {request.name}"
    registers = request.way == "registration"
    outer = (("External Address", request.public_ip), ("Local Networks", request.local_net or "192.168.0.0/16"))
    proxy = ""
    if request.edge:
        proxy = f"sip:{request.edge}:{request.real_port}" + ("\\;transport=tls" if request.secure else "")
        proxy += "\\;lr\\;hide"
    return [
        ConfigFile(
            "Settings > Asterisk SIP Settings",
            _fields(
                *(outer if request.public_ip else (("External Address", "the public one, where there is NAT"),)),
                ("RTP Port Ranges", "10000 to 20000"),
                ("Strict RTP", "Yes"),
                ("Allow Anonymous Inbound SIP Calls", "No"),
                ("SSL Method (SIP Settings [chan_pjsip])", "tlsv1_2" if request.secure else ""),
            ),
            APPLY,
        ),
        ConfigFile(
            f"{trunk} > General",
            _fields(
                ("Trunk Name", request.name), ("Outbound CallerID", request.number), ("CID Options", "Force Trunk CID")
            ),
        ),
        ConfigFile(
            f"{trunk} > pjsip Settings > General",
            _fields(
                ("Username", request.username if request.has_credentials else ""),
                ("Auth username", request.username if request.has_credentials else ""),
                ("Secret", request.password if request.has_credentials else ""),
                ("Authentication", "Outbound" if request.has_credentials else "None"),
                ("Registration", "Send" if registers else "None"),
                ("SIP Server", request.domain),
                ("SIP Server Port", str(request.real_port)),
                ("Context", "from-pstn-toheader" if registers else "from-pstn"),
                ("Transport", f"0.0.0.0-{request.transport}"),
            ),
        ),
        ConfigFile(
            f"{trunk} > pjsip Settings > Advanced",
            _fields(
                ("Outbound Proxy", proxy),
                ("From Domain", request.domain),
                ("Match (Permit)", ",".join(request.sources)),
                ("DTMF Mode", "RFC 4733"),
                ("Media Encryption", "SRTP via in-SDP" if request.secure else "None"),
                ("Direct Media", "No"),
                ("Rewrite Contact", "No"),
                ("RTP Symmetric", "Yes"),
                ("Qualify Frequency", "60"),
                ("Contact User", request.username if registers else ""),
            ),
        ),
        ConfigFile(f"{trunk} > pjsip Settings > Codecs", "ulaw and alaw, and no other", APPLY),
    ]


def _freepbx_routes(request: TrunkRequest) -> list[ConfigFile]:
    return [
        ConfigFile("Admin > Config Edit, pjsip.endpoint_custom_post.conf", f"[{request.name}](+)\ntimers=no"),
        ConfigFile(
            "Connectivity > Outbound Routes > Dial Patterns",
            _fields(
                ("match pattern +X.", "no prepend"),
                ("match pattern NXXNXXXXXX", "prepend +1"),
                ("match pattern 1NXXNXXXXXX", "prepend +"),
                ("prefix 011, match pattern X.", "prepend +"),
                ("Trunk Sequence", request.name),
            ),
            APPLY,
        ),
        ConfigFile(
            "Connectivity > Inbound Routes",
            "\n".join(
                f"DID Number: {number}, Destination: extension {request.extension}" for number in request.numbers
            ),
            "With all its characters, + included. " + APPLY,
        ),
    ]


def fusionpbx(request: TrunkRequest) -> list[ConfigFile]:
    sends = f":{request.real_port};transport=tls" if request.secure else ""
    return [
        ConfigFile(
            "Accounts > Gateways > Add",
            _fields(
                ("Gateway", request.name),
                ("Username", request.username if request.has_credentials else ""),
                ("Password", request.password if request.has_credentials else ""),
                ("From Domain", request.domain),
                ("Proxy", request.domain + sends),
                ("Realm", request.domain),
                (
                    "Outbound Proxy (Advanced)",
                    request.edge + (sends or f":{request.real_port}") if request.edge else "",
                ),
                ("Register", "True" if request.way == "registration" else "False"),
                ("Expire Seconds", "300" if request.way == "registration" else ""),
                ("Caller ID In From (Advanced)", "True"),
                ("Extension In Contact (Advanced)", "True" if request.way == "registration" else ""),
                ("Ping (Advanced)", "30"),
                ("Profile", "external"),
                ("Context", "public"),
            ),
            "Save, then Status > SIP Status > external > Rescan.",
        ),
        ConfigFile(
            "Advanced > Access Controls > providers",
            "\n".join(f"allow {source}" for source in request.sources),
            "Then: Reload. The profile external has apply-inbound-acl=providers.",
        ),
        ConfigFile(
            "Advanced > SIP Profiles > external",
            _fields(
                ("ext-sip-ip", request.public_ip or "auto-nat"),
                ("ext-rtp-ip", request.public_ip or "auto-nat"),
                ("auth-calls", "false"),
                ("inbound-codec-prefs", "PCMU,PCMA"),
                ("outbound-codec-prefs", "PCMU,PCMA"),
                ("enable-timer", "false"),
                ("tls", "true" if request.secure else ""),
                ("tls-version", "tlsv1.2" if request.secure else ""),
            ),
            "Then: Status > SIP Status > external > Restart.",
        ),
        ConfigFile(
            "Dialplan > Destinations > Add",
            "\n".join(
                f"Type: Inbound, Destination: {number}, Actions: extension {request.extension}"
                for number in request.numbers
            ),
        ),
        ConfigFile("Dialplan > Dialplan Manager > Add, context ${domain_name}", freeswitch.termination(request)),
    ]


def threecx(request: TrunkRequest) -> list[ConfigFile]:
    return [*_threecx_trunk(request), *_threecx_rules(request)]


def _threecx_trunk(request: TrunkRequest) -> list[ConfigFile]:
    trunk = f"Voice & Chat > Add Trunk > Generic, {request.name}"
    ways = {
        "credentials": "Outbound (the trunk does not register)",
        "address": "Do not require - IP based",
        "registration": "Register/Account based",
    }
    return [
        ConfigFile(
            f"{trunk} > General",
            _fields(
                ("Registrar/Server", request.domain),
                ("Port", str(request.real_port)),
                ("Outbound Proxy", f"{request.edge}, port {request.real_port}" if request.edge else ""),
                ("Number of SIM Calls", "as the trunk allows"),
                ("Type of Authentication", ways[request.way]),
                ("Authentication ID", request.username if request.has_credentials else ""),
                ("Password", request.password if request.has_credentials else ""),
                ("Main Trunk No", request.number),
            ),
        ),
        ConfigFile(f"{trunk} > DIDs", "\n".join(request.numbers), "As the trunk sends them, with +."),
        ConfigFile(
            f"{trunk} > Options",
            _fields(
                ("Transport Protocol", request.transport.upper()),
                ("SRTP", "on" if request.secure else "off"),
                ("PBX Delivers Audio", "on"),
                ("Supports Re-Invite", "off"),
                ("Which IP to use in Contact and SDP", request.public_ip or "Use default"),
                ("Codecs", "G.711 U-law, G.711 A-law"),
                ("Re-Register Timeout", "300" if request.way == "registration" else ""),
            ),
        ),
        ConfigFile(
            f"{trunk} > Inbound Parameters",
            _fields(("Called Number", "To : User Part"), ("Source Identification", ", ".join(request.sources))),
        ),
    ]


def _threecx_rules(request: TrunkRequest) -> list[ConfigFile]:
    return [
        ConfigFile(
            f"Voice & Chat > {request.name} > Outbound Parameters",
            _fields(
                ("Request Line URI : User Part", "CalledNum"),
                ("Request Line URI : Host Part", f"GWHostPort ({request.domain})"),
                ("From : User Part", "OutboundCallerID"),
                ("From : Host Part", f"GWHostPort ({request.domain})"),
            ),
        ),
        ConfigFile(
            "Voice & Chat > Outbound Rules > Add",
            _fields(
                ("Calls to numbers with a length of 10", f"Route 1: {request.name}, Strip digits 0, Prepend +1"),
                ("Calls to numbers starting with prefix 011", f"Route 1: {request.name}, Strip digits 3, Prepend +"),
                ("Calls to numbers starting with prefix +", f"Route 1: {request.name}, Strip digits 0, no Prepend"),
            ),
        ),
        ConfigFile(
            "Voice & Chat > Inbound Rules > Add DID",
            "\n".join(f"DID: {number}, Destination: extension {request.extension}" for number in request.numbers),
        ),
    ]
