"""FreeSWITCH: parameters of mod_sofia's profiles and gateways, channel variables, dialplan XML."""

from __future__ import annotations

from trunkline.pbx.template import Template

PROFILE = "sip_profiles/external.xml, <settings>"
GATEWAY = "sip_profiles/external/{trunk}.xml, <gateway>"
DIALPLAN = "dialplan, the extension with the bridge to the trunk"
RESTART = "Then: fs_cli -x 'sofia profile external restart'"
RESCAN = "Then: fs_cli -x 'sofia profile external killgw {trunk}' and 'sofia profile external rescan'"


def _param(*pairs: tuple[str, str]) -> str:
    return "\n".join(f'<param name="{name}" value="{value}"/>' for name, value in pairs)


def _set(*assignments: str, application: str = "set") -> str:
    return "\n".join(f'<action application="{application}" data="{assignment}"/>' for assignment in assignments)


TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        "fs_cli",
        "sofia global siptrace on\nfsctl loglevel debug",
        "The messages are in freeswitch.log, with their time.",
    ),
    "credentials": Template(
        GATEWAY,
        _param(
            ("username", "{username}"),
            ("password", "YOUR_PASSWORD"),
            ("realm", "{realm}"),
            ("proxy", "{provider_host}"),
            ("from-domain", "{provider_host}"),
            ("register", "false"),
        ),
        "auth-username where the digest user is another than that of From. " + RESCAN,
    ),
    "allow_source": Template(
        PROFILE, _param(("sip-ip", "LOCAL_IP"), ("ext-sip-ip", "{public_ip}"), ("ext-rtp-ip", "{public_ip}")), RESTART
    ),
    "digest_target": Template(GATEWAY, _param(("realm", "{realm}"), ("from-domain", "{provider_host}")), RESCAN),
    "registration_expiry": Template(
        GATEWAY, _param(("expire-seconds", "{expires}"), ("retry-seconds", "30"), ("ping", "25")), RESCAN
    ),
    "registration_account": Template(
        GATEWAY,
        _param(("username", "{username}"), ("realm", "{realm}"), ("proxy", "{provider_host}"), ("register", "true")),
        RESCAN,
    ),
    "no_registration": Template(GATEWAY, _param(("register", "false"), ("ping", "30")), RESCAN),
    "scanners": Template(
        "autoload_configs/acl.conf.xml",
        '<list name="{trunk}" default="deny">\n  <node type="allow" cidr="{provider_network}"/>\n</list>',
        "And in the profile: apply-inbound-acl={trunk}, log-auth-failures=true for fail2ban.",
    ),
    "e164": Template(
        DIALPLAN,
        '<condition field="destination_number" expression="^\\d{{strip}}(\\d+)$">\n'
        '  <action application="bridge" data="sofia/gateway/{trunk}/{prefix}$1"/>\n</condition>',
        "So that {called} leaves as {called_e164}. Then: fs_cli -x reloadxml",
    ),
    "did_dialplan": Template(
        "dialplan/public.xml",
        '<extension name="{trunk}-in">\n  <condition field="destination_number" expression="^\\+?{did_digits}$">\n'
        '    <action application="transfer" data="1000 XML default"/>\n  </condition>\n</extension>',
        "1000 stands for the phone or queue that the number belongs to. Then: fs_cli -x reloadxml",
    ),
    "did_in_to": Template(
        GATEWAY,
        _param(("extension-in-contact", "true"), ("extension", "auto_to_user")),
        "auto_to_user takes the number from To. " + RESCAN,
    ),
    "trunk_domain": Template(
        GATEWAY,
        _param(("realm", "{realm}"), ("proxy", "{provider_host}"), ("from-domain", "{provider_host}")),
        "To send it elsewhere: outbound-proxy. " + RESCAN,
    ),
    "caller_id": Template(
        DIALPLAN,
        _set("effective_caller_id_number={did}"),
        "With caller-id-in-from=true in the gateway. Then: fs_cli -x reloadxml",
    ),
    "assert_identity": Template(
        DIALPLAN,
        _set("sip_cid_type=pid", "effective_caller_id_number={did}", "privacy=yes"),
        "Then: fs_cli -x reloadxml",
    ),
    "diversion": Template(
        DIALPLAN,
        _set("sip_h_Diversion=&lt;sip:{did}@{provider_host}&gt;;reason=unconditional", application="export"),
        "Or send your own number: effective_caller_id_number={did}.",
    ),
    "loop": Template(
        DIALPLAN,
        '<condition field="${sip_gateway}" expression="^{trunk}$" break="on-true"/>',
        "Then: fs_cli -x reloadxml",
    ),
    "failover": Template(
        DIALPLAN,
        _set("hangup_after_bridge=true", "continue_on_fail=true", "call_timeout=30")
        + '\n<action application="bridge" data="sofia/gateway/{trunk}/$1|sofia/gateway/{trunk}-2/$1"/>',
        "{trunk}-2 is a gateway for another edge of the provider.",
    ),
    "dns": Template(
        GATEWAY, _param(("proxy", "{provider_host}")), "Without a port FreeSWITCH asks for NAPTR and SRV too."
    ),
    "unneeded_methods": Template(GATEWAY, _param(("ping", "0")), "Only if the {method} is the OPTIONS of ping."),
    "extensions": Template(PROFILE, _param(("enable-100rel", "false"), ("enable-timer", "false")), RESTART),
    "redirect": Template(DIALPLAN, _set("outbound_redirect_fatal=false")),
    "firewall_sip": Template(
        GATEWAY,
        _param(("proxy", "{provider_host}:{provider_port}"), ("ping", "30")),
        "fs_cli -x 'sofia status gateway {trunk}' says whether it answers.",
    ),
    "port_closed": Template(
        PROFILE, _param(("sip-port", "{sip_port}")), "fs_cli -x 'sofia status' shows what listens."
    ),
    "large_udp": Template(
        GATEWAY,
        _param(("register-transport", "tcp"), ("proxy", "{provider_host};transport=tcp")),
        "And fewer codecs: outbound-codec-prefs={codecs} in the profile. " + RESCAN,
    ),
    "tls_version": Template(
        PROFILE,
        _param(("tls", "true"), ("tls-version", "tlsv1.2"), ("tls-verify-policy", "out")),
        "cafile.pem in tls/. " + RESTART,
    ),
    "tls_port": Template(GATEWAY, _param(("proxy", "{provider_host}:5061;transport=tls")), RESCAN),
    "certificate": Template(
        PROFILE,
        _param(("tls-cert-dir", "$${certs_dir}"), ("tls-sip-port", "5061")),
        "agent.pem there holds the certificate, its chain and the key. " + RESTART,
    ),
    "keepalive": Template(GATEWAY, _param(("ping", "25")), RESCAN),
    "transport_match": Template(
        GATEWAY,
        _param(("proxy", "{provider_host};transport={transport}"), ("contact-params", "transport={transport}")),
        RESCAN,
    ),
    "provider_networks": Template(
        "autoload_configs/acl.conf.xml",
        '<list name="{trunk}" default="deny">\n  <node type="allow" cidr="{provider_network}"/>\n</list>',
        "And in the profile: apply-inbound-acl={trunk} and auth-calls=false. Then: fs_cli -x reloadacl and "
        "restart the profile.",
    ),
    "rport": Template(
        PROFILE, _param(("NDLB-force-rport", "safe")), "For phones behind NAT; the trunk needs ext-sip-ip. " + RESTART
    ),
    "public_address": Template(
        PROFILE,
        _param(("ext-sip-ip", "{public_ip}"), ("ext-rtp-ip", "{public_ip}"), ("local-network-acl", "localnet.auto")),
        "auto-nat instead of the address where it changes. " + RESTART,
    ),
    "contact": Template(PROFILE, _param(("ext-sip-ip", "{public_ip}"), ("sip-port", "{sip_port}")), RESTART),
    "in_dialog_routing": Template(
        PROFILE,
        _param(("ext-sip-ip", "{public_ip}"), ("aggressive-nat-detection", "false")),
        "And no NDLB-* parameter on the trunk's profile. " + RESTART,
    ),
    "rtp_timeout": Template(DIALPLAN, _set("media_timeout=60000", "media_hold_timeout=300000"), "Milliseconds."),
    "direct_media": Template(
        PROFILE,
        _param(("inbound-bypass-media", "false"), ("inbound-proxy-media", "false")),
        "And no bypass_media=true in the dialplan.",
    ),
    "hold": Template(DIALPLAN, _set("hold_music=local_stream://moh", application="export")),
    "early_offer": Template(
        PROFILE, _param(("enable-3pcc", "true")), "Takes calls without an offer; what goes out has one always."
    ),
    "plain_sdp": Template(
        DIALPLAN,
        _set("media_webrtc=false", "rtp_secure_media=false", application="export"),
        "For the leg to the trunk.",
    ),
    "one_family": Template(
        PROFILE, _param(("rtp-ip", "LOCAL_IPV4"), ("sip-ip", "LOCAL_IPV4")), "Use external, not external-ipv6."
    ),
    "codecs": Template(
        PROFILE, _param(("inbound-codec-prefs", "{codecs}"), ("outbound-codec-prefs", "{codecs}")), RESTART
    ),
    "payload_types": Template(
        PROFILE,
        _param(("rfc2833-pt", "{dtmf_pt}"), ("inbound-proxy-media", "false")),
        "Media must not bypass FreeSWITCH.",
    ),
    "ptime": Template(PROFILE, _param(("outbound-codec-prefs", "PCMU@{ptime}i,PCMA@{ptime}i")), RESTART),
    "annexb": Template(PROFILE, _param(("suppress-cng", "true"), ("vad", "none"))),
    "vad": Template(PROFILE, _param(("vad", "none"), ("suppress-cng", "true")), RESTART),
    "dtmf": Template(PROFILE, _param(("dtmf-type", "rfc2833"), ("rfc2833-pt", "{dtmf_pt}")), RESTART),
    "srtp_on": Template(
        DIALPLAN,
        _set("rtp_secure_media=mandatory:AES_CM_128_HMAC_SHA1_80", application="export"),
        "And proxy {provider_host}:5061;transport=tls in the gateway.",
    ),
    "srtp_off": Template(
        DIALPLAN, _set("rtp_secure_media=false", application="export"), "Or optional instead of false."
    ),
    "srtp_suite": Template(DIALPLAN, _set("rtp_secure_media=mandatory:AES_CM_128_HMAC_SHA1_80", application="export")),
    "tls_for_keys": Template(GATEWAY, _param(("proxy", "{provider_host}:5061;transport=tls")), RESCAN),
    "session_timer": Template(
        PROFILE,
        _param(("enable-timer", "false"))
        + "\n<!-- or, to keep them: -->\n"
        + _param(("session-timeout", "1800"), ("minimum-session-expires", "{min_se}")),
        RESTART,
    ),
    "transfer": Template(
        DIALPLAN,
        _set("1 b s execute_extension::dx XML features", application="bind_meta_app"),
        "*1 then transfers inside FreeSWITCH, which keeps both legs.",
    ),
    "prack": Template(
        PROFILE, _param(("enable-100rel", "true")), "false if the other side never sends PRACK. " + RESTART
    ),
    "ringback": Template(DIALPLAN, _set("ringback=${us-ring}", "ignore_early_media=true"), "Then: fs_cli -x reloadxml"),
    "rtp_ports": Template(
        "autoload_configs/switch.conf.xml",
        _param(("rtp-start-port", "{rtp_first}"), ("rtp-end-port", "{rtp_last}")),
        "And open just these in the firewall. Needs a restart of FreeSWITCH.",
    ),
    "symmetric_rtp": Template(
        PROFILE, _param(("disable-rtp-auto-adjust", "false")), "FreeSWITCH follows the source unless told not to."
    ),
    "strict_rtp": Template(PROFILE, _param(("disable-rtp-auto-adjust", "true")), "Only without NAT on the way."),
    "jitter_buffer": Template(DIALPLAN, _set("jitterbuffer_msec=60:200:20")),
    "clock": Template(PROFILE, _param(("rtp-autofix-timing", "true"))),
    "level": Template(DIALPLAN, _set("write 0", application="set_audio_level")),
    "t38": Template(
        DIALPLAN,
        _set("fax_enable_t38=true", "fax_enable_t38_request=true"),
        "Pass through: t38_passthru=true; else PCMU or PCMA only.",
    ),
    "t38_nat": Template(PROFILE, _param(("ext-rtp-ip", "{public_ip}")), RESTART),
}
