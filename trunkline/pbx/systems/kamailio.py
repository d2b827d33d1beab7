"""Kamailio: core parameters, module parameters and functions for kamailio.cfg (5.x and 6.x)."""

from __future__ import annotations

from trunkline.pbx.template import Template

CFG = "kamailio.cfg"
REQUEST = "kamailio.cfg, request_route"
TRUNK = "kamailio.cfg, the route to the trunk"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template(
        CFG,
        'loadmodule "siptrace.so"\nmodparam("siptrace", "duplicate_uri", "sip:HOMER_IP:9060")\n'
        'modparam("siptrace", "hep_mode_on", 1)\nmodparam("siptrace", "trace_to_database", 0)',
    ),
    "credentials": Template(
        CFG,
        'modparam("uac", "auth_username_avp", "$avp(auser)")\nmodparam("uac", "auth_password_avp", "$avp(apass)")\n'
        'modparam("uac", "auth_realm_avp", "$avp(arealm)")\nmodparam("dialog", "track_cseq_updates", 1)\n\n'
        'failure_route[TRUNK_AUTH] {\n    if (t_check_status("401|407")) {\n        $avp(auser) = "{username}";\n'
        '        $avp(apass) = "YOUR_PASSWORD";\n        $avp(arealm) = "{realm}";\n'
        "        if (uac_auth()) t_relay();\n    }\n}",
        "track_cseq_updates raises CSeq for the second INVITE, as RFC 3261 section 22.2 wants it.",
    ),
    "allow_source": Template(TRUNK, '$fs = "udp:LOCAL_IP:{sip_port}";', "The socket that leaves by {public_ip}."),
    "digest_target": Template(
        TRUNK, '$rd = "{provider_host}";', "Before uac_auth(), so that digest and request line agree."
    ),
    "scanners": Template(
        REQUEST,
        'if (!allow_source_address("1")) {\n    drop;\n}',
        "With the provider's networks in group 1 of permissions; pike for floods.",
    ),
    "e164": Template(
        TRUNK, '$rU = "{prefix}" + $(rU{s.substr,{strip},0});', "So that {called} leaves as {called_e164}."
    ),
    "did_dialplan": Template(REQUEST, 'if ($rU == "{did}") {\n    $du = "sip:PBX_IP:5060";\n    route(RELAY);\n}'),
    "did_in_to": Template(REQUEST, "$rU = $tU;"),
    "trunk_domain": Template(
        TRUNK,
        '$rd = "{provider_host}";\n$du = "sip:{provider_ip}:{provider_port}";',
        "$rd is what the request line says, $du where it goes.",
    ),
    "caller_id": Template(
        TRUNK, 'uac_replace_from("", "sip:{did}@{provider_host}");', 'modparam("uac", "restore_mode", "auto")'
    ),
    "assert_identity": Template(TRUNK, 'append_hf("P-Asserted-Identity: <sip:{did}@{provider_host}>\\r\\n");'),
    "diversion": Template(TRUNK, 'append_hf("Diversion: <sip:{did}@{provider_host}>;reason=unconditional\\r\\n");'),
    "loop": Template(
        CFG,
        'alias="{provider_host}"',
        'Every name under which Kamailio itself is called; and mf_process_maxfwd_header("10").',
    ),
    "failover": Template(
        CFG,
        'modparam("tm", "fr_timer", 4000)\n\nfailure_route[NEXT] {\n'
        '    if (t_check_status("5[0-9][0-9]|408") && ds_next_dst()) t_relay();\n}',
        "With both edges in one set of dispatcher.",
    ),
    "dns": Template(CFG, "dns_try_naptr=no\nuse_dns_failover=on\ndns_srv_lb=on"),
    "extensions": Template(TRUNK, 'remove_hf("Require");'),
    "redirect": Template(
        "kamailio.cfg, failure_route", 'if (t_check_status("30[12]")) {\n    get_redirects("*");\n    t_relay();\n}'
    ),
    "large_udp": Template(CFG, "udp_mtu=1300\nudp_mtu_try_proto=TCP"),
    "tls_version": Template(
        "tls.cfg",
        "[client:default]\nmethod = TLSv1.2+\nverify_certificate = yes\nca_list = /etc/ssl/certs/ca-certificates.crt",
    ),
    "tls_port": Template(TRUNK, '$du = "sip:{provider_host}:5061;transport=tls";'),
    "certificate": Template(
        "tls.cfg",
        "[server:default]\ncertificate = /etc/kamailio/fullchain.pem\nprivate_key = /etc/kamailio/privkey.pem",
    ),
    "keepalive": Template(
        CFG,
        'modparam("dispatcher", "ds_ping_interval", 30)\nmodparam("nathelper", "natping_interval", 30)\n'
        "tcp_keepalive=yes",
    ),
    "transport_match": Template(TRUNK, '$du = "sip:{provider_host};transport={transport}";'),
    "provider_networks": Template(
        "permissions, address list",
        "(1,'{provider_network}')",
        "Rows of the table address, written as group and network: one for each. Then: kamcmd permissions.addressReload",
    ),
    "rport": Template(REQUEST, "force_rport();"),
    "public_address": Template(
        CFG,
        "listen=udp:{private_ip}:{sip_port} advertise {public_ip}:{sip_port}\n\n"
        'rtpengine_manage("replace-origin replace-session-connection");',
        "rtpengine itself: interface={private_ip}!{public_ip}. No fix_nated_contact() on the provider's side.",
    ),
    "contact": Template(
        REQUEST, 'if (nat_uac_test("1")) set_contact_alias();', "For phones behind NAT, not for the provider."
    ),
    "in_dialog_routing": Template(
        REQUEST,
        "if (has_totag()) {\n    if (loose_route()) route(RELAY);\n    exit;\n}\n"
        'if (is_method("INVITE|SUBSCRIBE")) record_route();',
        "And no fix_nated_contact() on messages of the provider.",
    ),
    "direct_media": Template(
        TRUNK, 'rtpengine_manage("replace-origin replace-session-connection");', "On re-INVITEs too."
    ),
    "plain_sdp": Template(
        TRUNK, 'rtpengine_manage("RTP/AVP ICE=remove rtcp-mux-demux replace-origin replace-session-connection");'
    ),
    "one_family": Template(TRUNK, 'rtpengine_manage("address-family=IP4 replace-origin replace-session-connection");'),
    "codecs": Template(
        TRUNK, 'sdp_keep_codecs_by_name("{codecs},telephone-event");', "Or rtpengine with codec-transcode-PCMU."
    ),
    "payload_types": Template(
        TRUNK, 'rtpengine_manage("replace-origin replace-session-connection");', "Leave payload types as they are."
    ),
    "ptime": Template(TRUNK, 'rtpengine_manage("ptime={ptime} replace-origin replace-session-connection");'),
    "srtp_on": Template(
        TRUNK,
        'rtpengine_manage("RTP/SAVP SDES-only-AES_CM_128_HMAC_SHA1_80 replace-origin replace-session-connection");',
    ),
    "srtp_off": Template(TRUNK, 'rtpengine_manage("RTP/AVP replace-origin replace-session-connection");'),
    "session_timer": Template(
        CFG, 'modparam("sst", "min_se", {min_se})', "Or leave the timers to the two ends: remove sst."
    ),
    "prack": Template(TRUNK, 'subst_hf("Supported", "/100rel,? ?//", "f");'),
    "rtp_timeout": Template("rtpengine.conf", "timeout = 60\nsilent-timeout = 3600"),
    "rtp_ports": Template(
        "rtpengine.conf", "port-min = {rtp_first}\nport-max = {rtp_last}", "And open just these in the firewall."
    ),
    "symmetric_rtp": Template(
        TRUNK,
        'rtpengine_manage("replace-origin replace-session-connection");',
        "rtpengine follows the source unless told asymmetric.",
    ),
    "strict_rtp": Template(TRUNK, 'rtpengine_manage("strict-source replace-origin replace-session-connection");'),
    "qos": Template(CFG, "tos=0x68", "For signalling; rtpengine.conf: tos = 184 for media."),
    "pacing": Template(
        CFG,
        'modparam("pipelimit", "timer_interval", 1)\n\nif (!pl_check("{trunk}", "TAILDROP", "1")) {\n'
        '    sl_send_reply("503", "Busy");\n    exit;\n}',
    ),
}
