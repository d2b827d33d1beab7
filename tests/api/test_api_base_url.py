from __future__ import annotations

import pytest

from trunkline.api.base_url import base_url, product_of_path, vendor_product


def scope(*headers: tuple[str, str], scheme: str = "http", server: tuple[str, int | None] = ("127.0.0.1", 8080)):
    raw = [(name.encode(), value.encode()) for name, value in headers]
    return {"type": "http", "scheme": scheme, "server": server, "headers": raw}


@pytest.mark.parametrize(
    ("host", "product"),
    [
        ("trunking.twilio.com", "trunking"),
        ("API.twilio.com:443", "api"),
        ("trunking.dublin.ie1.twilio.com", "trunking"),
        ("twilio.com", None),
        ("trunking.twilio.com.evil.example", None),
        ("nottwilio.com", None),
        ("127.0.0.1:8080", None),
        ("[::1]:8080", None),
        ("", None),
    ],
)
def test_vendor_product(host, product):
    assert vendor_product(host) == product


@pytest.mark.parametrize(
    ("path", "product"),
    [
        ("/v1/Trunks", "trunking"),
        ("/v1/Trunks/TK1", "trunking"),
        ("/v1/TrunksAndMore", None),
        ("/v1/Alerts", "monitor"),
        ("/2010-04-01/Accounts", "api"),
        ("/trunkline/v1/Carriers", None),
    ],
)
def test_product_of_path(path, product):
    assert product_of_path(path) == product


def test_a_vendor_host_gets_canonical_links_and_our_own_address_for_our_own_pages():
    base = base_url(scope(("host", "trunking.twilio.com")))
    assert base.of("trunking") == "https://trunking.twilio.com"
    assert base.own == "http://127.0.0.1:8080"


def test_any_other_host_gets_itself():
    assert base_url(scope(("host", "pbx.example:8080"))).of("trunking") == "http://pbx.example:8080"


def test_a_proxy_that_ends_tls_is_believed():
    base = base_url(scope(("host", "api.example"), ("x-forwarded-proto", "https, http")))
    assert base.of("api") == "https://api.example"


@pytest.mark.parametrize("host", ["", "a b", 'x"><script>', "x/y", "é", "a" * 300])
def test_a_host_that_is_none_is_not_repeated(host):
    raw = scope()
    raw["headers"] = [(b"host", host.encode("latin-1"))]
    assert base_url(raw).own == "http://127.0.0.1:8080"


def test_an_odd_forwarded_scheme_is_ignored():
    assert base_url(scope(("host", "a"), ("x-forwarded-proto", "javascript"))).own == "http://a"


def test_ipv6_and_sockets_without_a_port():
    assert base_url(scope(server=("::1", 8080))).own == "http://[::1]:8080"
    assert base_url(scope(server=("unix", None))).own == "http://unix"
