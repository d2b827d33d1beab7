"""Settings: options before environment before defaults, and one clear line for everything that is wrong."""

from pathlib import Path

import pytest

from trunkline.settings import Ports, Settings, SettingsError

NO_ENVIRONMENT = {"HOME": "/home/anna"}


def test_defaults():
    settings = Settings.load({}, NO_ENVIRONMENT)
    assert settings.home == Path("/home/anna/.local/share/trunkline")
    assert (settings.sip_host, settings.sip_port, settings.tls_port) == ("127.0.0.1", 5060, 5061)
    assert settings.rtp_ports == (10000, 60000)
    assert settings.database_url is None


def test_options_win_over_the_environment():
    environment = NO_ENVIRONMENT | {"TRUNKLINE_SIP_PORT": "6000", "TRUNKLINE_TLS_PORT": "6001"}
    settings = Settings.load({"sip_port": "7000", "tls_port": None}, environment)
    assert (settings.sip_port, settings.tls_port) == (7000, 6001)


def test_an_empty_variable_is_not_set():
    assert Settings.load({}, NO_ENVIRONMENT | {"TRUNKLINE_SIP_PORT": ""}).sip_port == 5060


@pytest.mark.parametrize(
    ("data_home", "home"),
    [
        ("/srv/data", "/srv/data/trunkline"),
        ("relative", "/home/anna/.local/share/trunkline"),
        ("", "/home/anna/.local/share/trunkline"),
    ],
)
def test_the_home_follows_xdg(data_home, home):
    assert Settings.load({}, NO_ENVIRONMENT | {"XDG_DATA_HOME": data_home}).home == Path(home)


@pytest.mark.parametrize(("first", "second"), [("127.0.0.1", "127.0.0.2"), ("::1", "::2"), ("127.0.0.1", "::")])
def test_the_second_host_is_one_address_of_the_other_family(first, second):
    with pytest.raises(SettingsError, match="--second-host"):
        Settings.load({"home": "/tmp/x", "sip_host": first, "second_host": second}, NO_ENVIRONMENT)


@pytest.mark.parametrize(("first", "second"), [("127.0.0.1", "::1"), ("2001:db8::1", "192.0.2.1")])
def test_a_node_of_both_families(first, second):
    settings = Settings.load({"home": "/tmp/x", "sip_host": first, "second_host": second}, NO_ENVIRONMENT)
    assert Settings.load({}, settings.environ()).second_host == second


def test_environ_gives_the_same_settings_back():
    settings = Settings.load(
        {
            "home": "/tmp/a b%c",
            "public_ip": "192.0.2.1",
            "rtp_ports": "40000-41000",
            "database_url": "postgresql://u:p%40@h/d",
            "domain_suffixes": "pstn.example.net, Trunks.Example.com.",
            "no_funds_response": "603",
            "drain_seconds": "2.5",
        },
        NO_ENVIRONMENT,
    )
    assert settings.domain_suffixes == ("pstn.example.net", "trunks.example.com")
    assert Settings.load({}, settings.environ()) == settings


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("home", 'a"b', "--home"),
        ("sip_host", "example.com", "--sip-host 'example.com': an IP address is wanted"),
        ("public_ip", "300.1.1.1", "--public-ip"),
        ("sip_port", "abc", "--sip-port 'abc': a port from 1 to 65535"),
        ("sip_port", "0", "--sip-port"),
        ("tls_port", "65536", "--tls-port"),
        ("tls_port", "²", "--tls-port"),
        ("http_port", "-1", "--http-port"),
        ("rtp_ports", "10000", "for example 10000-60000"),
        ("rtp_ports", "20000-10000", "at least 8 ports"),
        ("rtp_ports", "1000-2000", "1024 or above"),
        ("rtp_ports", "10000-10003", "at least 8 ports"),
        ("database_url", "mysql://x", "postgresql://"),
        ("realm", 'a"b', "--realm"),
        ("domain_suffixes", " , ", "--domain-suffixes"),
        ("no_funds_response", "500", "403, 603"),
        ("drain_seconds", "nan", "seconds from 0"),
        ("drain_seconds", "-1", "seconds from 0"),
        ("sip_workers", "0", "1 to 64"),
        ("ring_seconds", "0.5", "--ring-seconds '0.5': seconds from 1 to 600"),
        ("ring_seconds", "601", "--ring-seconds"),
        ("ring_seconds", "nan", "--ring-seconds"),
        ("log_level", "loud", "debug, info, warning, error"),
        ("colour", "red", "no setting colour"),
    ],
)
def test_a_wrong_option_says_what_to_write(option, value, says):
    with pytest.raises(SettingsError) as raised:
        Settings.load({option: value}, NO_ENVIRONMENT)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_wrong_variable_is_named():
    with pytest.raises(SettingsError, match=r"^TRUNKLINE_SIP_PORT 'x'"):
        Settings.load({}, NO_ENVIRONMENT | {"TRUNKLINE_SIP_PORT": "x"})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"sip_port": "5061"}, "--sip-port and --tls-port are both 5061"),
        ({"http_port": "5060"}, "--http-port 5060"),
        ({"sip_host": "0.0.0.0"}, "--public-ip"),
    ],
)
def test_options_that_do_not_go_together(options, says):
    with pytest.raises(SettingsError, match=says):
        Settings.load(options, NO_ENVIRONMENT)


@pytest.mark.parametrize(
    ("sip_port", "media"),
    [("5060", (10000, 60000)), ("10000", (10001, 60000)), ("20000", (20001, 60000)), ("59000", (10000, 58999))],
)
def test_the_media_range_leaves_the_sip_port_out(sip_port, media):
    assert Settings.load({"sip_port": sip_port}, NO_ENVIRONMENT).media_ports == media


def test_sockets_stay_below_the_limit_of_their_paths():
    short = Settings.load({"home": "/tmp/x"}, NO_ENVIRONMENT)
    assert short.socket_dir == short.run_dir
    long = Settings.load({"home": "/tmp/" + "x" * 120}, NO_ENVIRONMENT)
    assert len(str(long.socket_dir)) + 32 <= 107
    assert long.socket_dir != Settings.load({"home": "/tmp/" + "y" * 120}, NO_ENVIRONMENT).socket_dir


def test_api_url_of_a_wildcard_is_reachable():
    assert Settings.load({"http_host": "0.0.0.0"}, NO_ENVIRONMENT).api_url == "http://127.0.0.1:8080"
    assert Settings.load({"http_host": "::1", "http_port": "81"}, NO_ENVIRONMENT).api_url == "http://[::1]:81"


def test_ports_survive_their_file(tmp_path):
    ports = Ports(1, 2, 3, 4, 5)
    ports.write(tmp_path / "ports.json")
    assert Ports.read(tmp_path / "ports.json") == ports
    beyond = '{"ng": 1, "edge_inner": 99999999, "tls_front": 3, "carrier": 4, "carrier_control": 5}'
    below, endless = beyond.replace("99999999", "-1"), beyond.replace("99999999", "1e999")
    for text in ("", "{}", "[]", '{"ng": "x"}', beyond, below, endless):
        (tmp_path / "ports.json").write_text(text)
        with pytest.raises(ValueError, match=r"ports|Expecting|invalid"):
            Ports.read(tmp_path / "ports.json")


def test_a_wrong_database_url_does_not_show_its_password():
    with pytest.raises(SettingsError) as refused:
        Settings.load({}, {"TRUNKLINE_DATABASE_URL": "mysql://ann:s3cret@pass@db/x", "HOME": "/root"})
    assert "s3cret" not in str(refused.value)
    assert "mysql://ann:***@db/x" in str(refused.value)
