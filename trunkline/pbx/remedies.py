"""The changes that repair something, by topic, and which rule needs which (the rules of "
"trunkline/analyzer/rules)."""

from __future__ import annotations

from trunkline.pbx.template import Topic

TOPICS: dict[str, Topic] = {
    "capture": Topic(
        "Capture again, at the PBX and on the outside interface",
        "Start before the call and stop some seconds after it; whole packets, one interface, both directions.",
        "tcpdump -n -i eth0 -s 0 -w call.pcap 'host {provider_ip} or udp portrange {rtp_first}-{rtp_last}'",
    ),
    "capture_host": Topic(
        "Give the capturing machine a steady clock and enough power",
        "A clock that jumps or a sniffer that drops packets looks like a network fault. Check the clock "
        "synchronisation and "
        "the load of the machine, write to a fast disk, and raise the capture buffer (tcpdump -B 65536).",
    ),
    "readable_log": Topic(
        "Take the signalling where it is readable",
        "Signalling inside TLS cannot be read in a capture. Take the SIP log of the PBX, with dates and "
        "milliseconds, or let "
        "it send its messages by HEP.",
    ),
    "credentials": Topic(
        "Give the trunk the user name and password of its credential list",
        "The user name is that of the credential list, which need not be the number or the From user; the realm "
        "is the one "
        "in the challenge: {realm}.",
    ),
    "allow_source": Topic(
        "Let the provider know the address that calls come from",
        "Add {public_ip} to the trunk's IP access control list at the provider. Where the address changes, use a "
        "credential list instead of the access list (not both: the list is checked first).",
    ),
    "steady_source": Topic(
        "Leave by one and the same public address",
        "Access lists need an address that stays. Pin the PBX's traffic to one WAN link and ask for a fixed "
        "address, or use "
        "credentials.",
    ),
    "nonce": Topic(
        "Answer each challenge with its own nonce",
        "Use the nonce of the newest challenge and count nc up with each use. Update the PBX, and make sure "
        "that only one "
        "device uses the account.",
    ),
    "digest_target": Topic(
        "Compute the digest for what is really sent",
        "The digest's uri must be the Request-URI, its realm that of the challenge. When a router changes the "
        "message after "
        "the PBX computed it, turn SIP ALG off there.",
    ),
    "digest_algorithm": Topic(
        "Use a digest algorithm that both sides know",
        "Offer MD5 beside SHA-256 at the server, or update the client (RFC 8760).",
    ),
    "registration_expiry": Topic(
        "Refresh the registration in time",
        "Ask for an interval that the registrar accepts (423 says the smallest, in Min-Expires) and refresh "
        "well before it "
        "ends. A NAT forgets UDP after 30 to 180 s: keep the path open in between.",
    ),
    "registration_account": Topic(
        "Register the account that the registrar knows",
        "Check the user part of the address of record, the domain and the credentials; a trunk that works by "
        "address or by "
        "credentials alone wants no registration at all.",
    ),
    "no_registration": Topic(
        "Turn registration off for this trunk",
        "The provider does not take REGISTER on this trunk: it knows you by address or by digest on each call. "
        "To watch the path, send OPTIONS instead.",
    ),
    "scanners": Topic(
        "Shut out whoever is not your provider",
        "Allow SIP from the provider's networks and your own only, at the firewall, and let fail2ban block the rest.",
    ),
    "e164": Topic(
        "Send the called number as + and country code",
        "The trunk wants +E.164: {called} has to leave as {called_e164}. No 00, 011, 9, spaces or dashes.",
    ),
    "did_dialplan": Topic(
        "Let the dialplan take the number as the provider sends it",
        "Calls for {did} come in with exactly these characters; the dialplan has to have them.",
    ),
    "did_in_to": Topic(
        "Take the dialled number from To",
        "A registered trunk is called at the contact that it registered; the dialled number stands in To or "
        "P-Called-Party-ID.",
    ),
    "overlap": Topic("Send the complete number in the first INVITE", "Collect all digits before the call is sent."),
    "trunk_domain": Topic(
        "Name the trunk's domain in the Request-URI",
        "The request line has to say {provider_host}; where it is sent is another matter (next hop, outbound proxy).",
    ),
    "caller_id": Topic(
        "Send a caller ID of your trunk, in +E.164",
        "From has to be a number of yours or one that you have verified, such as {did}; extensions and names "
        "belong inside.",
    ),
    "assert_identity": Topic(
        "Say who calls in P-Asserted-Identity when the caller ID is withheld",
        "Privacy hides the number from the called party; the provider still has to know it.",
    ),
    "diversion": Topic(
        "Say who forwarded the call",
        "A forwarded call keeps the caller's number in From; the number of yours that forwarded it belongs in "
        "Diversion "
        "(RFC 5806), or send your own number as caller ID.",
    ),
    "signer": Topic(
        "Sign with the right numbers and a right clock",
        "The PASSporT's orig and dest are the numbers of From and To without +, and its iat must be younger than 60 s.",
    ),
    "loop": Topic(
        "Break the loop",
        "Somebody sends the call back to whom it came from: a forward to itself, a trunk that is its own next "
        "hop, or a "
        "proxy that does not know one of its own names.",
    ),
    "number_check": Topic(
        "Check the number and what the account may dial",
        "The far end does not know {called}, or does not let you call it: number, permission for the country, porting.",
    ),
    "failover": Topic(
        "Have a second way",
        "Try the next address of the provider (another edge, SRV) after 503 or silence, and give up on one "
        "after a few "
        "seconds.",
    ),
    "dns": Topic(
        "Make the name resolve",
        "Check with `dig {provider_host}` on the PBX. A resolver that answers slowly delays each call.",
        "dig +short {provider_host}\ndig +short SRV _sip._udp.{provider_host}",
    ),
    "unneeded_methods": Topic(
        "Turn off what the other side does not know",
        "It does no harm: any answer proves that the peer lives. To have silence, turn that method off.",
    ),
    "extensions": Topic(
        "Do not require an extension that the other side lacks",
        "Require makes the call depend on it; Supported offers it.",
    ),
    "redirect": Topic(
        "Follow redirects, or have none sent", "A 3xx names another address; the call ends unless it is tried."
    ),
    "firewall_sip": Topic(
        "Let SIP through",
        "Nobody answered at {provider_ip}:{provider_port}. Check address, port and transport; let packets to "
        "and from the "
        "provider's signalling networks pass; many providers are silent to an address that they do not know.",
    ),
    "port_closed": Topic(
        "Open the port, or start what should listen there",
        "ICMP says that nothing listens there (port unreachable) or that a firewall refuses (administratively "
        "prohibited).",
    ),
    "large_udp": Topic(
        "Keep requests small, or send them by TCP",
        "Requests over about 1300 bytes are cut into fragments, which firewalls and NATs lose (RFC 3261 section "
        "18.1.1). "
        "Offer fewer codecs, no video and no ICE; or use TCP or TLS.",
    ),
    "tls_version": Topic(
        "Speak TLS 1.2 or newer, and trust the other side's authority",
        "Test with `openssl s_client`: it shows the version, the chain and the alert.",
        "openssl s_client -connect {provider_host}:5061 -servername {provider_host} -tls1_2",
    ),
    "tls_port": Topic(
        "Match port and transport", "TLS is spoken on 5061, plain SIP on 5060: one side has mixed them up."
    ),
    "certificate": Topic(
        "Install a valid certificate with its whole chain",
        "The name that the peer asks for must be in the certificate (subjectAltName), and it must not have expired.",
    ),
    "keepalive": Topic(
        "Keep the way through NAT and firewall open",
        "Send OPTIONS (or CRLF on TCP) every 25 to 30 s, and raise the UDP timeout of the firewall above that.",
    ),
    "transport_match": Topic(
        "Use one transport throughout",
        "Via, Contact and Route have to name the transport that the packets use.",
    ),
    "sip_alg": Topic(
        "Turn SIP ALG off in the router",
        "Also called SIP helper, SIP transformations, SIP fix-up. It rewrites messages halfway. Where it cannot "
        "be turned "
        "off, use TLS or another port.",
    ),
    "provider_networks": Topic(
        "Know the provider by all of its networks",
        "Calls come from each of its edges: allow them all, at the firewall and in the PBX, and ask none for a "
        "password.",
    ),
    "rport": Topic(
        "Answer to where the packet came from",
        "Put rport in Via (RFC 3581) and answer to the source address: behind NAT the address in Via is of no use.",
    ),
    "public_address": Topic(
        "Tell the PBX its public address",
        "It writes {private_ip} into Contact and SDP, which nobody outside can reach; it has to write {public_ip}.",
    ),
    "contact": Topic(
        "Send a usable Contact", "Requests of a call go to the Contact: it has to name an address that can be reached."
    ),
    "in_dialog_routing": Topic(
        "Send requests within a call where Route and Contact say",
        "ACK, BYE and re-INVITE go to the Contact of the answer, through the Record-Route entries in order (RFC "
        "3261 "
        "section 12.2.1.1). Do not rewrite the provider's Contact, Via or Record-Route.",
    ),
    "rtp_timeout": Topic("End calls without media", "A timer on received RTP ends calls whose BYE was lost."),
    "direct_media": Topic(
        "Keep media on the PBX",
        "Do not let phones and trunk send media to each other directly: the addresses rarely reach each other.",
    ),
    "hold": Topic("Release holds, and play to who is held", "After hold, send a re-INVITE with sendrecv."),
    "early_offer": Topic("Put the SDP offer into the INVITE", "Trunks expect the offer in the INVITE, not in the ACK."),
    "plain_sdp": Topic(
        "Offer a plain RTP/AVP to the trunk",
        "No ICE, no DTLS, no AVPF, no BUNDLE: these belong on the side of the browser.",
    ),
    "one_family": Topic(
        "Use one address family for signalling and media", "An IPv4 peer cannot send to an IPv6 address."
    ),
    "codecs": Topic(
        "Allow the trunk's codecs, G.711 first",
        "Both sides need one in common: {codecs}.",
    ),
    "payload_types": Topic(
        "Send what the receiver's SDP allows",
        "Payload types are those of the receiver's SDP, per direction; a switch in between must not change them.",
    ),
    "ptime": Topic("Send packets of 20 ms", "That is what trunks expect where SDP says nothing else."),
    "annexb": Topic("Agree on G.729 without annex B", "annexb=no on both sides, or silence suppression off."),
    "vad": Topic("Turn silence suppression off on the trunk", "VAD and comfort noise save little and clip words."),
    "dtmf": Topic(
        "Send DTMF as RFC 4733 events, and only so",
        "Offer telephone-event in SDP. Keys as SIP INFO or as tones in the audio are not understood everywhere.",
    ),
    "srtp_on": Topic(
        "Use SRTP with keys in SDP, over TLS",
        "A secure trunk wants RTP/SAVP with a=crypto (AES_CM_128_HMAC_SHA1_80), and SIP over TLS.",
    ),
    "srtp_off": Topic("Turn SRTP off for this trunk, or on at the provider", "Both sides have to want the same."),
    "srtp_suite": Topic(
        "Use the same suite and the keys of this call",
        "The answer has to name the tag and the suite of the offer; AES_CM_128_HMAC_SHA1_80 is what all know.",
    ),
    "tls_for_keys": Topic("Send keys over TLS only", "Who sees the signalling can listen to the call."),
    "session_timer": Topic(
        "Turn session timers off, or make refreshes arrive",
        "Refreshes come as re-INVITE or UPDATE within the call: the Contact has to be reachable for them. "
        "The interval must not be below Min-SE ({min_se} s).",
    ),
    "transfer": Topic(
        "Transfer without REFER, or enable it at the provider",
        "Where the trunk refuses REFER, the PBX keeps the call and bridges both legs.",
    ),
    "prack": Topic(
        "Acknowledge reliable provisional responses", "Answer 1xx with RSeq by PRACK, or do not offer 100rel."
    ),
    "ringback": Topic(
        "Let the caller hear ringing",
        "Send 180 without SDP, so that the caller's side plays the tone, or send media as soon as 183 carries SDP.",
    ),
    "rtp_ports": Topic(
        "Let RTP through the firewall",
        "UDP {rtp_first}-{rtp_last} of the PBX, to and from the provider's media networks ({media_networks}).",
    ),
    "symmetric_rtp": Topic(
        "Send media back to where it comes from",
        "Symmetric RTP survives a NAT that changes ports.",
    ),
    "strict_rtp": Topic(
        "Accept media of one source only", "Latch on the source that SDP named; use SRTP against injection."
    ),
    "rtcp": Topic("Let RTCP through", "It uses the RTP port + 1 (or the same one, with rtcp-mux)."),
    "qos": Topic(
        "Give voice its own queue",
        "Mark RTP as EF (DSCP 46) and let the router serve it first; prefer cable to Wi-Fi; look at the uplink's load.",
    ),
    "jitter_buffer": Topic("Use an adaptive jitter buffer", "It hides jitter up to its length, at the price of delay."),
    "audio_path": Topic(
        "Find where the sound is lost",
        "Packets flow and carry silence: microphone, mute, gain, a bridge that connects one way, or a wrong codec.",
    ),
    "level": Topic("Set the gain right", "Speech should be near -20 dBm0 and never clip."),
    "clock": Topic("Give the sender a steady clock", "A drifting clock empties or fills the jitter buffer."),
    "t38": Topic(
        "Agree on how fax is sent", "T.38 where both sides offer it; else G.711 with echo cancellation and VAD off."
    ),
    "t38_nat": Topic("Let T.38 through NAT", "UDPTL needs the public address and symmetric sending as RTP does."),
    "user_agent_bug": Topic(
        "Update or replace the program that sends this",
        "{user_agent} sends it; check for a newer version and report it to its maker with this trace.",
    ),
    "network_loss": Topic(
        "Find out where signalling is lost or delayed",
        "Answers come late or not at all: packet loss on the way, an overloaded server, or slow lookups before "
        "it answers.",
    ),
    "paths": Topic(
        "Look for two ways that the packets take",
        "Bonded links, a load balancer that shares out packets, or two interfaces with one address: audio has to keep "
        "to one of them.",
    ),
    "provider_state": Topic(
        "Check the account at the provider",
        "Balance, trial limits, permission for the country, calls per second and concurrent calls.",
    ),
    "pacing": Topic("Start fewer calls per second", "Queue calls in the PBX and retry with a delay."),
}
