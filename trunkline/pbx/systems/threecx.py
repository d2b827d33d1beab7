"""3CX: pages of its admin console (version 18 and 20 call some of them differently)."""

from __future__ import annotations

from trunkline.pbx.template import Template

TRUNK = "Voice & Chat > {trunk} (SIP Trunks)"
NETWORK = "Admin > Settings > Network"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        "Dashboard > Activity Log > Capture", "", "Record a capture of the call there, or set the log level to Verbose."
    ),
    "credentials": Template(
        TRUNK + " > General > Authentication",
        "Authentication ID: {username}\nPassword: YOUR_PASSWORD",
        "Type of Authentication: Register/Account based, or Do not require – IP based, as the provider wants it.",
    ),
    "allow_source": Template(
        NETWORK + " > Public IP", "Static Public IP: {public_ip}", "And the same in the provider's list."
    ),
    "digest_target": Template(
        TRUNK + " > General", "Registrar/Server: {provider_host}\nOutbound Proxy: only if the provider has one"
    ),
    "registration_expiry": Template(TRUNK + " > Options", "Re-Register Timeout: {expires}"),
    "registration_account": Template(
        TRUNK + " > General", "Registrar/Server: {provider_host}\nAuthentication ID: {username}"
    ),
    "no_registration": Template(TRUNK + " > General", "Type of Authentication: Do not require - IP based"),
    "scanners": Template(
        "Admin > Security > IP Blacklist", "allow {provider_network}", "Anti-hacking settings block the others."
    ),
    "e164": Template(
        "Voice & Chat > Outbound Rules",
        "Strip digits: {strip}\nPrepend: {prefix}",
        "Or Number Processing (E.164) on: {called} has to leave as {called_e164}.",
    ),
    "did_dialplan": Template(
        "Voice & Chat > Inbound Rules (DIDs)", "{did}", "As the provider sends it; a leading * matches any beginning."
    ),
    "did_in_to": Template(TRUNK + " > Inbound Parameters", "Called Number: To : User Part"),
    "trunk_domain": Template(
        TRUNK + " > Outbound Parameters", "Request Line URI : Host Part: GWHostPort ({provider_host})"
    ),
    "caller_id": Template(
        TRUNK + " > Outbound Parameters",
        "From : User Part: OriginatorCallerID",
        "Outbound Caller ID of the trunk or extension: {did}.",
    ),
    "assert_identity": Template(TRUNK + " > Outbound Parameters", "P-Asserted Identity : User Part: OutboundCallerID"),
    "diversion": Template(
        TRUNK + " > Outbound Parameters", "From : User Part: OutboundLineID", "{did} is then shown for forwarded calls."
    ),
    "failover": Template("Voice & Chat > Outbound Rules > Route 2", "{trunk}-2"),
    "dns": Template(TRUNK + " > General", "Auto Discovery: on for SRV\nRegistrar/Server: {provider_host}"),
    "firewall_sip": Template(
        TRUNK + " > General",
        "Registrar/Server: {provider_host}\nPort: {provider_port}",
        "Dashboard > Firewall Checker tests the way.",
    ),
    "large_udp": Template(TRUNK + " > Options", "Transport Protocol: TCP"),
    "tls_version": Template(
        TRUNK + " > Options", "Transport Protocol: TLS\nTLS Root Certificate: that of the provider's authority"
    ),
    "tls_port": Template(TRUNK + " > General", "Port: 5061", "With Transport Protocol: TLS in Options."),
    "transport_match": Template(TRUNK + " > Options", "Transport Protocol: {transport}"),
    "provider_networks": Template(TRUNK + " > Inbound Parameters", "Source Identification: {provider_networks}"),
    "public_address": Template(
        NETWORK + " > Public IP",
        "Static Public IP: {public_ip}",
        "And in the trunk's Options: Which IP to use in Contact and SDP: Use default; PBX Delivers Audio: on.",
    ),
    "contact": Template(TRUNK + " > Options", "Which IP to use in Contact and SDP: {public_ip}"),
    "in_dialog_routing": Template(
        TRUNK + " > Options", "Which IP to use in Contact and SDP: {public_ip}", "Re-Invite: off."
    ),
    "direct_media": Template(TRUNK + " > Options", "PBX Delivers Audio: on\nSupports Re-Invite: off"),
    "codecs": Template(TRUNK + " > Options > Codecs", "{codecs}"),
    "ptime": Template(TRUNK + " > Options > Codecs", "{codecs}", "3CX sends 20 ms with these."),
    "dtmf": Template(
        "The phones' settings", "DTMF: RFC 2833 (RFC 4733)", "3CX sends keys to the trunk as RFC 4733 events."
    ),
    "srtp_on": Template(TRUNK + " > Options", "SRTP: on\nTransport Protocol: TLS"),
    "srtp_off": Template(TRUNK + " > Options", "SRTP: off"),
    "tls_for_keys": Template(TRUNK + " > Options", "Transport Protocol: TLS"),
    "session_timer": Template(
        TRUNK + " > Options", "Supports Re-Invite: on", "3CX then answers the provider's refreshes."
    ),
    "transfer": Template(TRUNK + " > Options", "Supports Replaces: off", "3CX then bridges transferred calls itself."),
    "rtp_ports": Template(
        NETWORK + " > Ports",
        "External RTP: 9000 to 10999",
        "Forward these in the router; Dashboard > Firewall Checker tests it.",
    ),
    "symmetric_rtp": Template(TRUNK + " > Options", "PBX Delivers Audio: on"),
    "qos": Template("Admin > Settings > Parameters", "QoS DSCP for voice: 46 (EF)"),
    "t38": Template(TRUNK + " > Options", "Fax over T.38: as the provider has it", "Else send fax by G.711 only."),
}
