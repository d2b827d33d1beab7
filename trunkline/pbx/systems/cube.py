"""Cisco CUBE: IOS and IOS XE configuration."""

from __future__ import annotations

from trunkline.pbx.template import Template

PEER = "dial-peer voice 100 voip (that of the trunk)"
VOIP = "voice service voip, sip"
UA = "sip-ua"

TEMPLATES: dict[str, Template] = {
    "readable_log": Template("exec", "debug ccsip messages\nshow logging", "service timestamps debug datetime msec"),
    "credentials": Template(UA, "sip-ua\n authentication username {username} password 0 YOUR_PASSWORD realm {realm}"),
    "allow_source": Template(
        PEER,
        " voice-class sip bind control source-interface GigabitEthernet0/0\n"
        " voice-class sip bind media source-interface GigabitEthernet0/0",
    ),
    "digest_target": Template(UA, "sip-ua\n authentication username {username} password 0 YOUR_PASSWORD realm {realm}"),
    "registration_expiry": Template(UA, "sip-ua\n registrar dns:{provider_host} expires {expires} refresh-ratio 80"),
    "registration_account": Template(
        UA,
        "sip-ua\n credentials username {username} password 0 YOUR_PASSWORD realm {realm}\n"
        " registrar dns:{provider_host} expires {expires}",
    ),
    "no_registration": Template(UA, "sip-ua\n no registrar"),
    "scanners": Template(
        "voice service voip",
        "voice service voip\n ip address trusted list\n  ipv4 {provider_network}",
        "Write networks with their mask: ipv4 203.0.113.0 255.255.255.0",
    ),
    "e164": Template(
        "voice translation-rule",
        "voice translation-rule 100\n rule 1 /^\\([2-9].*\\)/ /{prefix}\\1/\n"
        "voice translation-profile TO-TRUNK\n translate called 100\ndial-peer voice 100 voip\n"
        " translation-profile outgoing TO-TRUNK",
        "So that {called} leaves as {called_e164}.",
    ),
    "did_dialplan": Template(
        "dial-peer of the incoming calls",
        "dial-peer voice 200 voip\n incoming called-number {did}",
        "In patterns + is written \\+.",
    ),
    "trunk_domain": Template(
        PEER, " session target dns:{provider_host}\n voice-class sip localhost dns:{provider_host}"
    ),
    "caller_id": Template(
        "voice translation-rule",
        "voice translation-rule 101\n rule 1 /.*/ /{did}/\nvoice translation-profile TO-TRUNK\n translate calling 101",
    ),
    "assert_identity": Template(PEER, " voice-class sip asserted-id pai"),
    "diversion": Template(PEER, " voice-class sip privacy-policy passthru\n voice-class sip call-route history-info"),
    "failover": Template(
        PEER,
        " voice-class sip options-keepalive up-interval 60 down-interval 30 retry 3\nsip-ua\n retry invite 2\n"
        " timers trying 1000",
    ),
    "dns": Template(
        "global",
        "ip domain lookup\nip name-server RESOLVER_IP",
        "session target dns:{provider_host} asks for SRV first.",
    ),
    "unneeded_methods": Template(
        PEER, " no voice-class sip options-keepalive", "Only if the {method} is the OPTIONS of keepalive."
    ),
    "extensions": Template(PEER, " voice-class sip rel1xx disable"),
    "redirect": Template("voice service voip", "voice service voip\n redirect ip2ip"),
    "firewall_sip": Template(
        PEER, " session target dns:{provider_host}:{provider_port}\n voice-class sip options-keepalive"
    ),
    "large_udp": Template(PEER, " session transport tcp"),
    "tls_version": Template(UA, "sip-ua\n transport tcp tls v1.2\n crypto signaling default trustpoint TRUNK"),
    "tls_port": Template(PEER, " session target dns:{provider_host}:5061\n session transport tcp tls"),
    "certificate": Template("global", "crypto pki authenticate TRUNK\ncrypto pki import TRUNK certificate"),
    "keepalive": Template(PEER, " voice-class sip options-keepalive up-interval 30 down-interval 30 retry 3"),
    "transport_match": Template(PEER, " session transport {transport}", "tcp tls for TLS."),
    "provider_networks": Template(
        "voice service voip",
        "voice service voip\n ip address trusted list\n  ipv4 {provider_network}",
        "Write networks with their mask.",
    ),
    "public_address": Template(
        "voice class sip-profiles",
        'voice class sip-profiles 100\n request ANY sip-header Contact modify "{private_ip}" "{public_ip}"\n'
        ' request ANY sdp-header Connection-Info modify "{private_ip}" "{public_ip}"\n'
        ' request ANY sdp-header Audio-Connection-Info modify "{private_ip}" "{public_ip}"\n'
        ' response ANY sip-header Contact modify "{private_ip}" "{public_ip}"\n'
        ' response ANY sdp-header Connection-Info modify "{private_ip}" "{public_ip}"\n'
        ' response ANY sdp-header Audio-Connection-Info modify "{private_ip}" "{public_ip}"\n'
        "dial-peer voice 100 voip\n voice-class sip profiles 100",
        "Better: give the outside interface the public address and bind to it.",
    ),
    "in_dialog_routing": Template(PEER, " voice-class sip bind control source-interface GigabitEthernet0/0"),
    "rtp_timeout": Template("gateway", "gateway\n media-inactivity-criteria rtp\n timer receive-rtp 1200"),
    "direct_media": Template(
        "voice service voip",
        "voice service voip\n no media flow-around\n sip\n  midcall-signaling passthru media-change",
    ),
    "early_offer": Template(VOIP, "voice service voip\n sip\n  early-offer forced"),
    "codecs": Template(
        "voice class codec",
        "voice class codec 100\n codec preference 1 g711ulaw\n codec preference 2 g711alaw\n"
        "dial-peer voice 100 voip\n voice-class codec 100",
    ),
    "payload_types": Template(PEER, " rtp payload-type nte {dtmf_pt}\n voice-class sip asymmetric payload dtmf"),
    "ptime": Template(PEER, " codec g711ulaw bytes 160", "160 bytes are 20 ms."),
    "annexb": Template(PEER, " codec g729r8\n no vad", "g729br8 is the one with annex B."),
    "vad": Template(PEER, " no vad"),
    "dtmf": Template(PEER, " dtmf-relay rtp-nte"),
    "srtp_on": Template(
        PEER,
        " srtp\n voice-class sip srtp-crypto 1\n session transport tcp tls",
        "voice class srtp-crypto 1: crypto 1 AES_CM_128_HMAC_SHA1_80",
    ),
    "srtp_off": Template(PEER, " no srtp", "Or srtp fallback."),
    "srtp_suite": Template("voice class srtp-crypto", "voice class srtp-crypto 1\n crypto 1 AES_CM_128_HMAC_SHA1_80"),
    "tls_for_keys": Template(PEER, " session transport tcp tls"),
    "session_timer": Template(VOIP, "voice service voip\n sip\n  min-se {min_se} session-expires 1800"),
    "transfer": Template("voice service voip", "voice service voip\n no supplementary-service sip refer"),
    "prack": Template(PEER, ' voice-class sip rel1xx supported "100rel"'),
    "ringback": Template(
        PEER, " voice-class sip early-media update block", "Or progress_ind setup enable 3 on the inner dial-peer."
    ),
    "rtp_ports": Template("voice service voip", "voice service voip\n rtp-port range {rtp_first} {rtp_last}"),
    "qos": Template(PEER, " ip qos dscp ef media\n ip qos dscp cs3 signaling"),
    "t38": Template(
        PEER,
        " fax-relay ecm disable\n"
        " fax protocol t38 version 0 ls-redundancy 0 hs-redundancy 0 fallback pass-through g711ulaw",
    ),
}
