"""What `trunkline call` makes of its options."""

import pytest

from trunkline.cli.call_request import CallRequest, CannotCall, local_address, place, plan_of
from trunkline.node.demo import Demo
from trunkline.settings import Settings

DEMO = Demo(
    account_sid="AC", auth_token="t", api_url="http://127.0.0.1:8080", console_url="", sip_host="127.0.0.1",
    sip_port=5060, tls_port=5061, trunk_sid="TK", domain_name="demo.pstn.twilio.com", username="demo",
    password="secret", numbers=["+15557770001"], echo_number="+15550100000",
)  # fmt: skip


def request(called="+15550100000", **options):
    given = {
        "via": None, "domain": None, "username": None, "password": None, "caller": None, "transport": "udp",
        "srtp": None, "seconds": 3.0, "media": "tone:1000", "digits": "", "expect_tone": None, "tls_ca": None,
        "trace": None, "from_carrier": False,
    }  # fmt: skip
    return CallRequest(called, **(given | options))


def test_a_number_goes_through_the_demo():
    plan = plan_of(request(), DEMO)
    assert plan.to == "sip:+15550100000@demo.pstn.twilio.com"
    assert plan.via == "sip:127.0.0.1:5060;transport=udp"
    assert (plan.username, plan.password, plan.caller, plan.srtp) == ("demo", "secret", "+15557770100", "off")


def test_srtp_is_asked_for_by_itself():
    """The demo's trunk is not secure: TLS alone is fine there, and SRTP would be refused."""
    plan = plan_of(request(transport="tls"), DEMO)
    assert (plan.via, plan.srtp) == ("sip:127.0.0.1:5061;transport=tls", "off")
    assert plan_of(request(transport="tls", srtp="mandatory"), DEMO).srtp == "mandatory"


def test_another_trunk_gets_nothing_of_the_demo():
    plan = plan_of(request(via="sip:192.0.2.1", domain="acme.pstn.twilio.com"), DEMO)
    assert plan.to == "sip:+15550100000@acme.pstn.twilio.com"
    assert plan.via == "sip:192.0.2.1;transport=udp"
    assert (plan.username, plan.password) == (None, None)


def test_another_user_does_not_get_the_demos_password():
    assert plan_of(request(username="other"), DEMO).password is None


def test_a_uri_is_taken_as_it_is():
    plan = plan_of(request("sip:+1555@acme.example.com", via="sip:h:5070;transport=tcp"), None)
    assert plan.to == "sip:+1555@acme.example.com"
    assert plan.via == "sip:h:5070;transport=tcp"


@pytest.mark.parametrize(
    ("options", "says"),
    [({}, "--via"), ({"via": "sip:192.0.2.1"}, "--domain"), ({"from_carrier": True}, "trunkline up --demo")],
)
def test_what_is_missing_is_named(tmp_path, options, says):
    with pytest.raises(CannotCall, match=says):
        place(Settings(tmp_path), request(**options))


def test_a_plan_that_makes_no_sense(tmp_path):
    DEMO.write(Settings(tmp_path))
    with pytest.raises(ValueError, match="cannot be dialled"):
        place(Settings(tmp_path), request(digits="x"))


def test_the_local_address():
    assert local_address("sip:127.0.0.1:5060;transport=udp") == "127.0.0.1"
    with pytest.raises(CannotCall, match="--via"):
        local_address("http://x")
