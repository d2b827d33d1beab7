"""AudioCodes Mediant SBC: tables and parameters of its web interface (7.2 and later)."""

from __future__ import annotations

from trunkline.pbx.template import Template

SIGNALLING = "Setup > Signaling & Media > Core Entities"
PROFILE = "Setup > Signaling & Media > Coders & Profiles > IP Profiles, the one of the trunk"
MANIPULATION = "Setup > Signaling & Media > SBC > Manipulation"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        "Troubleshoot > Logging > Syslog Settings",
        "Enable Syslog: Enable\nVoIP Debug Level: Detailed",
        "With a syslog server at hand.",
    ),
    "credentials": Template(
        "Setup > Signaling & Media > SIP Definitions > Accounts",
        "Served IP Group: PBX\nServing IP Group: {trunk}\nUser Name: {username}\nPassword: YOUR_PASSWORD\nRegister: No",
    ),
    "allow_source": Template(
        "Setup > IP Network > Core Entities > NAT Translation", "Source Interface: WAN\nTarget IP Address: {public_ip}"
    ),
    "digest_target": Template(
        SIGNALLING + " > IP Groups > {trunk}", "SIP Group Name: {provider_host}\nUsername: {username}"
    ),
    "registration_account": Template(
        "Setup > Signaling & Media > SIP Definitions > Accounts",
        "Host Name: {provider_host}\nContact User: {username}\nRegister: Regular",
    ),
    "registration_expiry": Template(
        "Setup > Signaling & Media > SIP Definitions > Proxy & Registration", "Registration Time: {expires}"
    ),
    "no_registration": Template("Setup > Signaling & Media > SIP Definitions > Accounts", "Register: No"),
    "scanners": Template(
        "Setup > Signaling & Media > SBC > Classification",
        "Source IP Address: {provider_network}\nSource IP Group: {trunk}",
        "And Unclassified Calls: Reject; Access List of the firewall.",
    ),
    "e164": Template(
        MANIPULATION + " > Outbound Manipulations",
        "Destination IP Group: {trunk}\nManipulated Item: Destination URI\nRemove From Left: {strip}\n"
        "Prefix to Add: {prefix}",
        "So that {called} leaves as {called_e164}.",
    ),
    "did_dialplan": Template(
        "Setup > Signaling & Media > SBC > Routing > IP-to-IP Routing",
        "Destination Username Pattern: {did}\nDestination IP Group: PBX",
    ),
    "trunk_domain": Template(
        SIGNALLING + " > IP Groups > {trunk}",
        "SIP Group Name: {provider_host}",
        "The Proxy Set has the address that it is sent to.",
    ),
    "caller_id": Template(
        MANIPULATION + " > Outbound Manipulations",
        "Destination IP Group: {trunk}\nManipulated Item: Source URI\nLeave From Right: 0\nPrefix to Add: {did}",
    ),
    "assert_identity": Template(PROFILE, "P-Asserted-Identity Header Mode: Add"),
    "diversion": Template(PROFILE, "Diversion Header Mode: Add\nHistory-Info Header Mode: Remove"),
    "failover": Template(
        SIGNALLING + " > Proxy Sets > {trunk}",
        "Proxy Keep-Alive: Using OPTIONS\nProxy Hot Swap: Enable",
        "With a second address.",
    ),
    "dns": Template(SIGNALLING + " > Proxy Sets > {trunk}", "DNS Resolve Method: SRV"),
    "unneeded_methods": Template(
        SIGNALLING + " > Proxy Sets > {trunk}", "Proxy Keep-Alive: Disable", "Only if the {method} is its OPTIONS."
    ),
    "extensions": Template(PROFILE, "PRACK Mode: Optional\nSession Expires Mode: Not Supported"),
    "redirect": Template(PROFILE, "Remote 3xx Mode: Handle Locally"),
    "firewall_sip": Template(
        SIGNALLING + " > Proxy Sets > {trunk}",
        "Proxy Address: {provider_host}:{provider_port}\nProxy Keep-Alive: Using OPTIONS",
    ),
    "large_udp": Template(SIGNALLING + " > Proxy Sets > {trunk}", "Transport Type: TCP"),
    "tls_version": Template(
        "Setup > IP Network > Security > TLS Contexts",
        "TLS Version: TLSv1.2 and TLSv1.3",
        "Trusted Root Certificates has the provider's authority.",
    ),
    "tls_port": Template(
        SIGNALLING + " > Proxy Sets > {trunk}", "Proxy Address: {provider_host}:5061\nTransport Type: TLS"
    ),
    "certificate": Template(
        "Setup > IP Network > Security > TLS Contexts > Change Certificate", "a certificate with its chain"
    ),
    "keepalive": Template(
        SIGNALLING + " > Proxy Sets > {trunk}", "Proxy Keep-Alive: Using OPTIONS\nProxy Keep-Alive Time: 30"
    ),
    "transport_match": Template(SIGNALLING + " > Proxy Sets > {trunk}", "Transport Type: {transport}"),
    "provider_networks": Template(
        "Setup > Signaling & Media > SBC > Classification",
        "Source IP Address: {provider_network}\nSource IP Group: {trunk}",
    ),
    "rport": Template(
        SIGNALLING + " > IP Groups", "SIP Source Host Name and Always Use Source Address: Yes", "For phones behind NAT."
    ),
    "public_address": Template(
        "Setup > IP Network > Core Entities > NAT Translation",
        "Source Interface: WAN\nSource Start Port: 1\nSource End Port: 65535\nTarget IP Address: {public_ip}",
        "It then writes {public_ip} into Contact and SDP.",
    ),
    "contact": Template("Setup > IP Network > Core Entities > NAT Translation", "Target IP Address: {public_ip}"),
    "in_dialog_routing": Template(
        PROFILE, "Remote Representation Mode: According to Operation Mode", "Operation Mode of the IP Group: B2BUA."
    ),
    "rtp_timeout": Template(
        "Setup > Signaling & Media > Media > RTP/RTCP Settings",
        "Broken Connection Timeout: 600",
        "In units of 100 ms; Broken Connection Mode in the IP Profile: Disconnect.",
    ),
    "direct_media": Template(
        PROFILE,
        "Direct Media Tag: empty\nRemote re-INVITE Support: Not Supported",
        "And SBC Direct Media: Disable in the SIP Interface.",
    ),
    "early_offer": Template(PROFILE, "Remote Delayed Offer Support: Not Supported"),
    "plain_sdp": Template(PROFILE, "ICE Mode: Disable\nSBC Media Security Mode: Not Secured\nRTCP Mux: Not Supported"),
    "codecs": Template(
        "Setup > Signaling & Media > Coders & Profiles > Allowed Audio Coders Groups",
        "{codecs}",
        "And in the IP Profile: Allowed Coders Mode: Restriction and Preference.",
    ),
    "payload_types": Template(PROFILE, "RFC 2833 DTMF Payload Type: {dtmf_pt}"),
    "ptime": Template("Setup > Signaling & Media > Coders & Profiles > Coder Groups", "Packetization Time: {ptime}"),
    "vad": Template("Setup > Signaling & Media > Coders & Profiles > Coder Groups", "Silence Suppression: Disable"),
    "dtmf": Template(PROFILE, "RFC 2833 Mode: Extend\nAlternative DTMF Method: As Is"),
    "srtp_on": Template(PROFILE, "SBC Media Security Mode: Secured\nSBC Media Security Method: SDES"),
    "srtp_off": Template(PROFILE, "SBC Media Security Mode: Not Secured"),
    "srtp_suite": Template(
        "Setup > Signaling & Media > Media > Media Security", "Offered SRTP Cipher Suites: AES-CM-128-HMAC-SHA1-80"
    ),
    "tls_for_keys": Template(SIGNALLING + " > Proxy Sets > {trunk}", "Transport Type: TLS"),
    "session_timer": Template(PROFILE, "Session Expires Mode: Observer"),
    "transfer": Template(PROFILE, "Remote REFER Mode: Handle Locally"),
    "prack": Template(PROFILE, "PRACK Mode: Optional"),
    "ringback": Template(PROFILE, "Remote Early Media Support: Supported\nRemote Multiple 18x: Supported"),
    "rtp_ports": Template(
        SIGNALLING + " > Media Realms",
        "UDP Port Range Start: {rtp_first}\nNumber of Media Session Legs: as many as calls need",
    ),
    "symmetric_rtp": Template(
        "Setup > Signaling & Media > Media > Media Settings", "NAT Traversal: Enable NAT Option 3"
    ),
    "qos": Template(PROFILE, "RTP IP DiffServ: 46\nSignaling DiffServ: 24"),
    "jitter_buffer": Template(
        PROFILE, "Dynamic Jitter Buffer Minimum Delay: 10\nDynamic Jitter Buffer Optimization Factor: 10"
    ),
    "t38": Template(PROFILE, "Fax Mode: as the provider has it (T.38, or VBD with G.711)"),
}
