"""Which hop faces the provider, and who is the PBX."""

from __future__ import annotations

import pytest
from call_ladder import Ladder

from trunkline.analyzer.calls.agents import is_phone, is_scanner, pbx_of_agent

PHONE, PBX, CARRIER, TWILIO = (
    ("192.168.1.20", 5062),
    ("192.168.1.5", 5060),
    ("198.51.100.7", 5060),
    ("54.172.60.1", 5060),
)


def hop(ladder, **options):
    (dialog,) = ladder.trace(**options).dialogs
    return dialog


def test_termination_to_a_provider_by_its_address():
    ladder = Ladder()
    ladder.leg("a", PBX, TWILIO, host="acme.pstn.twilio.com", agent="Asterisk PBX 20.6.0").call(0)
    trace = ladder.trace()
    (dialog,) = trace.dialogs
    assert (trace.profile.name, dialog.facing, dialog.provider_side) == ("twilio", "provider", "callee")
    assert "54.172.60.1" in trace.profile_why
    assert "54.172.60.1" in dialog.facing_why
    assert (dialog.pbx, dialog.pbx_side) == ("asterisk", "caller")


def test_origination_from_a_provider():
    ladder = Ladder()
    headers = "X-Twilio-CallSid: CA1\r\n"
    ladder.leg("a", TWILIO, PBX, agent="Twilio Gateway", server="FPBX-16.0.40(18.20)", headers=headers).call(0)
    dialog = hop(ladder)
    assert (dialog.facing, dialog.provider_side, dialog.pbx, dialog.pbx_side) == (
        "provider",
        "caller",
        "freepbx",
        "callee",
    )


def test_a_log_without_addresses_knows_the_provider_by_its_words():
    ladder = Ladder()
    ladder.leg("a", PBX, TWILIO, host="acme.pstn.twilio.com").request(0, "INVITE").answer(1, 407)
    for raw in ladder.raw:
        raw.src = raw.dst = None
        raw.source = "text"
    dialog = hop(ladder)
    assert (dialog.facing, dialog.provider_side) == ("provider", "callee")
    assert dialog.facing_why == "Request-URI host acme.pstn.twilio.com"
    realm = 'Proxy-Authenticate: Digest realm="sip.twilio.com",nonce="x"\r\n'
    ladder = Ladder()
    ladder.leg("a", PBX, CARRIER, host="10.0.0.1").request(0, "INVITE").answer(1, 407, headers=realm)
    assert hop(ladder).provider_side == "callee"


def test_what_an_own_sbc_passes_on_is_not_the_provider():
    ladder = Ladder()
    ladder.leg("a", ("10.0.0.9", 5060), PBX, agent="Twilio Gateway").call(0)
    dialog = hop(ladder)
    assert (dialog.facing, dialog.provider_side) == ("unknown", "")
    assert "passed on by 10.0.0.9" in dialog.facing_why


def test_a_phone_and_its_pbx_are_inside():
    ladder = Ladder()
    ladder.leg("a", PHONE, PBX, agent="Yealink SIP-T46S", server="Asterisk PBX 20").call(0)
    assert hop(ladder).facing == "inside"
    ladder = Ladder()
    ladder.leg("r", PHONE, PBX, server="FreeSWITCH-mod_sofia/1.10").request(0, "REGISTER").answer(1, 200, "REGISTER")
    ladder.leg("a", PHONE, PBX, server="FreeSWITCH-mod_sofia/1.10").call(2)
    assert [d.facing for d in ladder.trace().dialogs] == ["inside", "inside"]


def test_an_unknown_carrier_of_a_pbx():
    ladder = Ladder()
    ladder.leg("a", PBX, CARRIER, agent="3CXPhoneSystem 18.0").call(0)
    dialog = hop(ladder)
    assert (dialog.facing, dialog.provider_side, dialog.pbx) == ("provider", "callee", "3cx")
    ladder = Ladder()
    ladder.leg("a", PBX, ("10.9.9.9", 5060), agent="FreeSWITCH").request(0, "REGISTER").answer(1, 200, "REGISTER")
    assert hop(ladder).facing_why == "the PBX (freeswitch) registers at 10.9.9.9:5060"


def test_nothing_known_stays_unknown():
    ladder = Ladder()
    ladder.leg("a", PHONE, CARRIER).call(0)
    ladder.leg("b", PBX, ("10.9.9.9", 5060), agent="Asterisk PBX", server="Asterisk PBX").call(20)
    trace = ladder.trace()
    assert trace.profile.name == "generic"
    assert [d.facing for d in trace.dialogs] == ["unknown", "unknown"]


def test_the_users_word_wins():
    ladder = Ladder()
    ladder.leg("a", PBX, TWILIO, agent="Asterisk PBX").call(0)
    trace = ladder.trace(provider="generic", pbx="freepbx")
    assert (trace.profile.name, trace.profile_why) == ("generic", "chosen: generic")
    assert trace.dialogs[0].pbx == "freepbx"


def test_the_log_says_which_pbx_wrote_it():
    ladder = Ladder()
    ladder.leg("a", PBX, CARRIER).request(0, "INVITE", source="text", sent_by_us=True)
    ladder.leg("a", PBX, CARRIER).answer(1, 404, source="text", sent_by_us=False)
    trace = ladder.trace()
    trace.capture.files[0].format = "text:freeswitch"
    from trunkline.analyzer.calls.build import build_trace

    (dialog,) = build_trace(trace.capture, trace.media, trace.options).dialogs
    assert (dialog.pbx, dialog.pbx_side, dialog.facing) == ("freeswitch", "caller", "provider")


def test_new_tags_in_one_call_id_do_not_change_sides():
    ladder = Ladder()
    leg = ladder.leg("r", PHONE, CARRIER, agent="X-Lite release 1103m", server="Cirpack/v4.38e")
    for number in range(3):
        leg.request(number, "REGISTER", number + 1, branch=str(number), ftag=f"new{number}")
        leg.answer(number + 0.1, 401, "REGISTER", number + 1, branch=str(number))
    assert hop(ladder).facing == "unknown"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Asterisk PBX 18.9.0", "asterisk"),
        ("FPBX-15.0.23(16.13.0)", "freepbx"),
        ("FreeSWITCH-mod_sofia/1.10.7", "freeswitch"),
        ("FusionPBX", "fusionpbx"),
        ("3CXPhoneSystem 16.0.5.611 (611)", "3cx"),
        ("3CXPhone 6.0.26523.0", ""),
        ("kamailio (5.6.3 (x86_64/linux))", "kamailio"),
        ("OpenSIPS (3.2.8 (x86_64/linux))", "opensips"),
        ("Cisco-SIPGateway/IOS-15.4.1.T", "cube"),
        ("Audiocodes-Sip-Gateway-Mediant 800B/v.7.20A", "audiocodes"),
        ("Twilio Gateway", ""),
    ],
)
def test_names_of_programs(agent, name):
    assert pbx_of_agent(agent) == name


def test_phones_and_scanners():
    assert is_phone("Zoiper rv2.10.8")
    assert not is_phone("Asterisk PBX")
    assert is_scanner("friendly-scanner")
    assert not is_scanner("Yealink")


def test_chan_sip_is_told_by_its_tags():
    ladder = Ladder()
    ladder.leg("a", PBX, CARRIER, agent="Asterisk PBX 11.13").request(0, "INVITE", ftag="as58f4201b")
    assert hop(ladder).pbx == "chan_sip"


def test_a_carrier_that_runs_a_pbx_itself():
    ladder = Ladder()
    ladder.leg("a", PBX, CARRIER, agent="Asterisk PBX 20", server="kamailio (5.6)").call(0)
    dialog = hop(ladder)
    assert (dialog.provider_side, dialog.pbx, dialog.pbx_side) == ("callee", "asterisk", "caller")


def test_a_scanner_is_no_provider():
    ladder = Ladder()
    ladder.leg("a", CARRIER, PBX, agent="friendly-scanner", server="Asterisk PBX 20").request(0, "INVITE").answer(
        1, 401
    )
    dialog = hop(ladder)
    assert (dialog.facing, dialog.pbx_side) == ("unknown", "callee")


def test_headers_that_a_pbx_copies_to_its_phones_do_not_make_it_the_provider():
    ladder = Ladder()
    headers = "X-Twilio-CallSid: CA1\r\n"
    cloud, phone = ("203.0.113.5", 5060), ("203.0.113.200", 41000)
    ladder.leg("a", TWILIO, cloud, agent="Twilio Gateway", headers=headers, number="+15551230000").call(0)
    ladder.leg("b", cloud, phone, headers=headers, number="101", by="9").call(50)
    assert [d.facing for d in ladder.trace().dialogs] == ["provider", "unknown"]
