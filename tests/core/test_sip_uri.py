from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trunkline.core.sip_uri import SipUri, SipUriError, parse


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:+15550100@acme.pstn.twilio.com", SipUri("sip", "+15550100", "acme.pstn.twilio.com")),
        (
            "SIP:alice:secret@Host.TEST:5070;transport=tcp;lr?X-A=b",
            SipUri("sip", "alice", "host.test", 5070, "transport=tcp;lr", "X-A=b"),
        ),
        ("sips:host", SipUri("sips", "", "host")),
        ("sip://pbx.test:5080", SipUri("sip", "", "pbx.test", 5080)),
        ("sip://bob@pbx.test", SipUri("sip", "bob", "pbx.test")),
        ("sip:host.", SipUri("sip", "", "host")),
        ("sip:[2001:DB8::1]:5060", SipUri("sip", "", "2001:db8::1", 5060)),
        ("sip:x@[::1];transport=udp", SipUri("sip", "x", "::1", None, "transport=udp")),
        ("tel:+15550100;phone-context=test", SipUri("tel", "+15550100", "", None, "phone-context=test")),
        ("sip:alice%40home@host", SipUri("sip", "alice@home", "host")),
        ("sip:alice@home@host", SipUri("sip", "alice@home", "host")),
        ("sip:+1;npdi;rn=+2@host", SipUri("sip", "+1;npdi;rn=+2", "host")),
        ("sip:under_score@my_host.test", SipUri("sip", "under_score", "my_host.test")),
        ("sip:@host", SipUri("sip", "", "host")),
    ],
)
def test_parse(text, uri):
    assert parse(text) == uri


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither"),
        ("host", "neither"),
        ("http://host", "neither"),
        ("sip", "neither"),
        ("sip:", "without a host"),
        ("sip:alice@", "without a host"),
        ("sip:alice@:5060", "without a host"),
        ("sip:a b@host", "blank"),
        ("sip:host\r\nX: y", "blank"),
        ("<sip:host>", "blank"),
        ("sip:\x00@host", "blank"),
        ("sip:host:", "port"),
        ("sip:host:0", "port"),
        ("sip:host:65536", "port"),
        ("sip:host:5o60", "port"),
        ("sip:host:\u0665060", "port"),
        ("sip:[::1", "IPv6"),
        ("sip:[::1]5060", "IPv6"),
        ("sip:[zz::]", "IPv6"),
        ("sip:ho..st", "usable host"),
        ("sip:-host", "usable host"),
        ("sip:h\u00f6st", "usable host"),
        ("tel:", "without a number"),
        ("sip:" + "a" * 3000, "longer"),
    ],
)
def test_refused(text, why):
    with pytest.raises(SipUriError, match=why):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "sip:+15550100@host",
        "sip:host:5060",
        "sips:a@[::1]:5061;transport=tls",
        "tel:+15550100;ext=3",
        "sip:h;lr?X-A=b",
        "sip:a%25b@h",
    ],
)
def test_str_gives_it_back(text):
    assert str(parse(text)) == text


def test_str_escapes_what_a_user_part_may_not_hold():
    assert str(SipUri("sip", "a@b c", "h")) == "sip:a%40b%20c@h"


def test_param():
    uri = parse("sip:h;Transport=TCP;lr;a=b=c")
    assert (uri.param("transport"), uri.param("lr"), uri.param("a"), uri.param("b")) == ("TCP", "", "b=c", None)


@given(st.text(max_size=80))
@example("sip:[::1%a]")
@example("sip:%@h")
def test_any_text_is_a_uri_or_our_error(text):
    for candidate in (text, "sip:" + text, "sip:a@" + text, "tel:" + text):
        try:
            uri = parse(candidate)
        except SipUriError:
            continue
        assert parse(str(uri)) == uri


@given(st.text(alphabet='sip:@;?=[]%.0123456789abc/&"<> \t', max_size=60))
def test_any_text_of_uri_letters_too(text):
    try:
        uri = parse("sip:" + text)
    except SipUriError:
        return
    assert parse(str(uri)) == uri
