"""AudioCodes Mediant SBC, 7.2 and later: its tables with the fields to fill in."""

from __future__ import annotations

from trunkline.pbx.config.request import ConfigFile, TrunkRequest

CORE = "Setup > Signaling & Media > Core Entities"
SBC = "Setup > Signaling & Media > SBC"
ACCOUNTS = "Setup > Signaling & Media > SIP Definitions > Accounts"
PROFILES = "Setup > Signaling & Media > Coders & Profiles"


def _fields(*pairs: tuple[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs if value)


def files(request: TrunkRequest) -> list[ConfigFile]:
    return [*_core(request), *_profile(request), *_accounts(request), *_routing(request)]


def _core(request: TrunkRequest) -> list[ConfigFile]:
    secure = request.secure
    found = [
        ConfigFile(
            f"{CORE} > SIP Interfaces > WAN",
            _fields(
                ("Application Type", "SBC"),
                ("UDP Port", "0" if secure else "5060"),
                ("TCP Port", "0"),
                ("TLS Port", "5061" if secure else "0"),
                ("Classification Failure Response Type", "0"),
            ),
        ),
        ConfigFile(
            f"{CORE} > Media Realms > WAN",
            _fields(("UDP Port Range Start", "10000"), ("Number of Media Session Legs", "100")),
        ),
        ConfigFile(
            f"{CORE} > Proxy Sets > {request.name}",
            _fields(
                ("Proxy Address", f"{request.sends_to}:{request.real_port}"),
                ("Transport Type", request.transport.upper()),
                ("Proxy Keep-Alive", "Using OPTIONS"),
                ("Proxy Keep-Alive Time", "60"),
                ("TLS Context Name", "default" if secure else ""),
            ),
        ),
        ConfigFile(
            f"{CORE} > IP Groups > {request.name}",
            _fields(
                ("Type", "Server"),
                ("Proxy Set", request.name),
                ("IP Profile", request.name),
                ("Media Realm", "WAN"),
                ("SIP Group Name", request.domain),
                ("Classify by Proxy Set", "Disable"),
            ),
            "SIP Group Name is what the request line says.",
        ),
    ]
    if request.public_ip:
        page = "Setup > IP Network > Core Entities > NAT Translation"
        found.append(ConfigFile(page, _fields(("Source Interface", "WAN"), ("Target IP Address", request.public_ip))))
    if secure:
        page = "Setup > IP Network > Security > TLS Contexts > default"
        found.append(ConfigFile(page, _fields(("TLS Version", "TLSv1.2 and TLSv1.3"))))
    return found


def _profile(request: TrunkRequest) -> list[ConfigFile]:
    return [
        ConfigFile(f"{PROFILES} > Allowed Audio Coders Groups > 0", "G.711U-law\nG.711A-law"),
        ConfigFile(
            f"{PROFILES} > IP Profiles > {request.name}",
            _fields(
                ("Allowed Audio Coders", "0"),
                ("Allowed Coders Mode", "Restriction and Preference"),
                ("SBC Media Security Mode", "Secured" if request.secure else "Not Secured"),
                ("SBC Media Security Method", "SDES" if request.secure else ""),
                ("RFC 2833 Mode", "Extend"),
                ("RFC 2833 DTMF Payload Type", "101"),
                ("Session Expires Mode", "Observer"),
                ("Remote Delayed Offer Support", "Not Supported"),
                ("Remote REFER Mode", "Handle Locally"),
                ("ICE Mode", "Disable"),
            ),
        ),
    ]


def _accounts(request: TrunkRequest) -> list[ConfigFile]:
    if not request.has_credentials:
        return []
    return [
        ConfigFile(
            ACCOUNTS,
            _fields(
                ("Served IP Group", "PBX"),
                ("Serving IP Group", request.name),
                ("Host Name", request.domain),
                ("Contact User", request.username),
                ("Register", "Regular" if request.way == "registration" else "No"),
                ("User Name", request.username),
                ("Password", request.password),
            ),
        )
    ]


def _routing(request: TrunkRequest) -> list[ConfigFile]:
    rows = "\n".join(f"Source IP Address: {source}, Source IP Group: {request.name}" for source in request.sources)
    come_in = "\n".join(
        f"Source IP Group: {request.name}, Destination Username Pattern: {number}, Destination IP Group: PBX"
        for number in request.numbers
    )
    number = f"Destination IP Group: {request.name}, Manipulated Item: Destination URI"
    return [
        ConfigFile(f"{SBC} > Classification", rows, "And Unclassified Calls: Reject."),
        ConfigFile(
            f"{SBC} > Routing > IP-to-IP Routing",
            f"{come_in}\nSource IP Group: PBX, Destination IP Group: {request.name}",
        ),
        ConfigFile(
            f"{SBC} > Manipulation > Outbound Manipulations",
            f"{number}, Destination Username Pattern: [2-9]xxxxxxxxx#, Prefix to Add: +1\n"
            f"{number}, Destination Username Pattern: 1[2-9]xxxxxxxxx#, Prefix to Add: +\n"
            f"{number}, Destination Username Pattern: 011, Remove From Left: 3, Prefix to Add: +\n"
            f"Destination IP Group: {request.name}, Manipulated Item: Source URI, Leave From Right: 0, "
            f"Prefix to Add: {request.number}",
        ),
    ]
