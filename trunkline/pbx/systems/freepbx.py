"""FreePBX: pages and fields of its web interface (chan_pjsip trunks)."""

from __future__ import annotations

from trunkline.pbx.template import Template

SETTINGS = "Settings > Asterisk SIP Settings"
GENERAL = "Connectivity > Trunks > {trunk} > pjsip Settings > General"
ADVANCED = "Connectivity > Trunks > {trunk} > pjsip Settings > Advanced"
APPLY = "Submit, then Apply Config."

TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        "Admin > Asterisk CLI", "pjsip set logger on", "Reports > Asterisk Logfiles then has the messages."
    ),
    "credentials": Template(
        GENERAL,
        "Username: {username}\nAuth username: {username}\nSecret: YOUR_PASSWORD\nAuthentication: Outbound\n"
        "Registration: None",
        "Registration: Send only if the provider registers trunks. " + APPLY,
    ),
    "allow_source": Template(
        SETTINGS + " > General", "External Address: {public_ip}", "The provider's list must have it. " + APPLY
    ),
    "digest_target": Template(
        ADVANCED, "From Domain: {provider_host}\nClient URI and Server URI: empty, or with {provider_host}", APPLY
    ),
    "registration_expiry": Template(
        ADVANCED, "Expiration: {expires}\nGeneral Retry Interval: 30\nQualify Frequency: 30", APPLY
    ),
    "registration_account": Template(
        GENERAL, "Username: {username}\nSIP Server: {provider_host}\nRegistration: Send", APPLY
    ),
    "no_registration": Template(GENERAL, "Registration: None\nAuthentication: Outbound", APPLY),
    "scanners": Template(
        "Connectivity > Firewall > Services",
        "SIP Protocol: only Internal and Local zones",
        "Allow Anonymous Inbound SIP Calls: No (" + SETTINGS + ").",
    ),
    "e164": Template(
        "Connectivity > Outbound Routes > Dial Patterns",
        "prepend: {prefix}\nprefix: empty\nmatch pattern: NXXNXXXXXX",
        "So that {called} leaves as {called_e164}; the pattern is that of your country. " + APPLY,
    ),
    "did_dialplan": Template(
        "Connectivity > Inbound Routes", "DID Number: {did}", "With all its characters, + included. " + APPLY
    ),
    "did_in_to": Template(ADVANCED, "Contact User: {did_digits}\nContext: from-pstn-toheader", APPLY),
    "trunk_domain": Template(
        GENERAL, "SIP Server: {provider_host}", "Outbound Proxy on the Advanced page sends it elsewhere. " + APPLY
    ),
    "caller_id": Template(
        "Connectivity > Trunks > {trunk} > General", "Outbound CallerID: {did}\nCID Options: Force Trunk CID", APPLY
    ),
    "assert_identity": Template(ADVANCED, "Send RPID/PAI: Send P-Asserted-Identity header", APPLY),
    "diversion": Template(ADVANCED, "Send Diversion: Yes", "Or force the trunk's caller ID for forwarded calls."),
    "loop": Template("Connectivity > Inbound Routes", "Destination: an extension, not a route back to {trunk}", APPLY),
    "failover": Template(
        "Connectivity > Outbound Routes > Trunk Sequence", "{trunk}\n{trunk}-2", "A second trunk to another edge."
    ),
    "dns": Template(
        "Admin > System Admin > DNS",
        "two resolvers that answer",
        "dig {provider_host} on the machine must answer at once.",
    ),
    "unneeded_methods": Template(ADVANCED, "Qualify Frequency: 0", "Only if the {method} is the OPTIONS of qualify."),
    "extensions": Template(ADVANCED, "100rel: No", "Session timers: as in session timers below, No."),
    "firewall_sip": Template(
        GENERAL,
        "SIP Server: {provider_host}\nSIP Server Port: {provider_port}",
        "Reports > Asterisk Info > Peers shows whether it answers.",
    ),
    "large_udp": Template(
        GENERAL, "Transport: 0.0.0.0-tcp", "Enable TCP at " + SETTINGS + " > SIP Settings [chan_pjsip]."
    ),
    "tls_version": Template(
        SETTINGS + " > SIP Settings [chan_pjsip]", "SSL Method: tlsv1_2\nVerify Server: Yes", APPLY
    ),
    "tls_port": Template(GENERAL, "Transport: 0.0.0.0-tls\nSIP Server Port: 5061", APPLY),
    "certificate": Template(
        SETTINGS + " > SIP Settings [chan_pjsip]",
        "Certificate Manager: one that is valid",
        "Admin > Certificate Management makes one.",
    ),
    "keepalive": Template(ADVANCED, "Qualify Frequency: 30", APPLY),
    "transport_match": Template(GENERAL, "Transport: 0.0.0.0-{transport}", APPLY),
    "provider_networks": Template(
        ADVANCED,
        "Match (Permit): {provider_networks}",
        "And in Connectivity > Firewall > Networks: the same, zone Trusted. " + APPLY,
    ),
    "rport": Template(ADVANCED, "Force rport: Yes\nRewrite Contact: No", APPLY),
    "public_address": Template(
        SETTINGS + " > General",
        "External Address: {public_ip}\nLocal Networks: {local_net}",
        "Direct Media: No and RTP Symmetric: Yes in the trunk's Advanced page. " + APPLY,
    ),
    "contact": Template(SETTINGS + " > General", "External Address: {public_ip}", APPLY),
    "in_dialog_routing": Template(
        ADVANCED, "Rewrite Contact: No\nOutbound Proxy: sip:{provider_ip}\\;lr (if one is used)", APPLY
    ),
    "rtp_timeout": Template(
        SETTINGS + " > General", "RTP Timeout: 60\nRTP Hold Timeout: 300\nRTP Keep Alive: 15", APPLY
    ),
    "direct_media": Template(ADVANCED, "Direct Media: No", "In the extensions too. " + APPLY),
    "plain_sdp": Template(ADVANCED, "Media Encryption: None\nAVPF: No\nICE Support: No", APPLY),
    "codecs": Template("Connectivity > Trunks > {trunk} > pjsip Settings > Codecs", "{codecs}, and no other", APPLY),
    "payload_types": Template(ADVANCED, "DTMF Mode: RFC 4733\nDirect Media: No", APPLY),
    "dtmf": Template(ADVANCED, "DTMF Mode: RFC 4733", APPLY),
    "srtp_on": Template(
        ADVANCED, "Media Encryption: SRTP via in-SDP", "Transport: 0.0.0.0-tls in the General page. " + APPLY
    ),
    "srtp_off": Template(ADVANCED, "Media Encryption: None", APPLY),
    "srtp_suite": Template(ADVANCED, "Media Encryption: SRTP via in-SDP", APPLY),
    "tls_for_keys": Template(GENERAL, "Transport: 0.0.0.0-tls\nSIP Server Port: 5061", APPLY),
    "session_timer": Template(
        "Admin > Config Edit, pjsip.endpoint_custom_post.conf", "[{trunk}](+)\ntimers=no", "Then: fwconsole reload"
    ),
    "ringback": Template(ADVANCED, "Inband Progress: No", APPLY),
    "rtp_ports": Template(
        SETTINGS + " > General", "RTP Port Ranges: {rtp_first} to {rtp_last}", "And forward just these in the router."
    ),
    "symmetric_rtp": Template(ADVANCED, "RTP Symmetric: Yes\nDirect Media: No", APPLY),
    "strict_rtp": Template(SETTINGS + " > General", "Strict RTP: Yes", APPLY),
    "jitter_buffer": Template(SETTINGS + " > SIP Legacy Settings", "Jitter Buffer: enabled, adaptive", APPLY),
    "t38": Template(
        ADVANCED, "T38 UDPTL: Yes\nT38 UDPTL Error Correction: Redundancy", "No where the trunk takes no T.38."
    ),
    "t38_nat": Template(ADVANCED, "T38 UDPTL: Yes\nT38 UDPTL NAT: Yes", APPLY),
}
