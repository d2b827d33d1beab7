"""FusionPBX: pages of its web interface; what it has no page for is FreeSWITCH's own (`snippets.BUILT_ON`)."""

from __future__ import annotations

from trunkline.pbx.template import Template

GATEWAY = "Accounts > Gateways > {trunk}"
PROFILE = "Advanced > SIP Profiles > external > Settings"
RESTART = "Then: Status > SIP Status > external > Restart."
SAVED = "Save; Status > SIP Status > external > Rescan."

TEMPLATES: dict[str, Template] = {
    "credentials": Template(
        GATEWAY,
        "Username: {username}\nPassword: YOUR_PASSWORD\nRealm: {realm}\nProxy: {provider_host}\n"
        "From Domain: {provider_host}\n"
        "Register: False",
        SAVED,
    ),
    "digest_target": Template(GATEWAY, "Realm: {realm}\nFrom Domain: {provider_host}", SAVED),
    "no_registration": Template(GATEWAY, "Register: False\nPing: 30", SAVED),
    "registration_expiry": Template(GATEWAY, "Expire Seconds: {expires}\nRetry Seconds: 30\nPing: 25", SAVED),
    "scanners": Template(
        "Advanced > Access Controls > providers", "Default: deny\nallow {provider_network}", "Then: Reload ACL."
    ),
    "provider_networks": Template(
        "Advanced > Access Controls > providers", "allow {provider_network}", "Then: Status > SIP Status > Reload ACL."
    ),
    "e164": Template(
        "Dialplan > Outbound Routes",
        "Gateway: {trunk}\nDialplan Expression: ^\\d{{strip}}(\\d+)$\nPrefix: {prefix}",
        "So that {called} leaves as {called_e164}.",
    ),
    "did_dialplan": Template(
        "Dialplan > Destinations", "Type: Inbound\nDestination: ^\\+?{did_digits}$", "With the extension as action."
    ),
    "caller_id": Template(
        "Accounts > Extensions", "Outbound Caller ID Number: {did}", "And Caller ID In From: True in the gateway."
    ),
    "trunk_domain": Template(GATEWAY, "Proxy: {provider_host}\nFrom Domain: {provider_host}\nRealm: {realm}", SAVED),
    "public_address": Template(PROFILE, "ext-sip-ip: {public_ip}\next-rtp-ip: {public_ip}", RESTART),
    "contact": Template(PROFILE, "ext-sip-ip: {public_ip}", RESTART),
    "codecs": Template(PROFILE, "inbound-codec-prefs: {codecs}\noutbound-codec-prefs: {codecs}", RESTART),
    "dtmf": Template(PROFILE, "dtmf-type: rfc2833\nrfc2833-pt: {dtmf_pt}", RESTART),
    "keepalive": Template(GATEWAY, "Ping: 25", SAVED),
    "session_timer": Template(PROFILE, "enable-timer: false", RESTART),
    "large_udp": Template(GATEWAY, "Transport: tcp", SAVED),
    "transport_match": Template(GATEWAY, "Transport: {transport}", SAVED),
    "tls_port": Template(GATEWAY, "Proxy: {provider_host}:5061\nTransport: tls", SAVED),
}
