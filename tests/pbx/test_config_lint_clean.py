"""What `trunkline pbx config` writes is clean to `trunkline pbx lint`, in every variant, judged as either provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.cli.pbx import _provider
from trunkline.pbx.config.request import TrunkRequest
from trunkline.pbx.config.write import configuration
from trunkline.pbx.lint.run import lint

TWILIO = tuple(str(network) for network in _provider("twilio").networks)
LINTED = {
    "asterisk": {"pjsip.conf", "rtp.conf", "extensions.conf"},
    "chan_sip": {"sip.conf", "rtp.conf", "extensions.conf"},
    "freeswitch": {"external.xml", "trunk.xml"},
}


def written(request, system, folder):
    """The files that lint reads. A gateway lies where FreeSWITCH has it."""
    paths = []
    for one in configuration(request, system):
        name = Path(one.path).name
        if name not in LINTED[system] or "/dialplan/" in one.path:
            continue
        inner = "sip_profiles/external" if name == "trunk.xml" else ""
        path = folder / inner / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.text + "\n")
        paths.append(path)
    assert len(paths) == len(LINTED[system])
    return paths


@pytest.mark.parametrize("system", LINTED)
@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(("edge", "public_ip"), [("", ""), ("", "203.0.113.10"), ("127.0.0.1", "203.0.113.10")])
@pytest.mark.parametrize("way", ["credentials", "address", "registration"])
@pytest.mark.parametrize("provider", ["twilio", "trunkline", "generic", None])
def test_generated_configuration_is_clean(tmp_path, system, secure, edge, public_ip, way, provider):
    request = TrunkRequest(
        domain="acme.pstn.twilio.com",
        way=way,
        username="pbx",
        password='s3cret;"<&>',
        secure=secure,
        edge=edge,
        networks=TWILIO if not edge else (edge,),
        public_ip=public_ip,
    )
    chosen = _provider(provider) if provider else None
    known = [] if provider else [_provider("twilio")]
    report = lint(written(request, system, tmp_path), chosen, known)
    assert report.skipped == []
    is_twilio = provider == "twilio" or (provider is None and not edge)
    expected = {"AUTH-14"} if way == "registration" and is_twilio else set()
    if edge and is_twilio and system == "asterisk" and way != "registration":
        expected |= {"NET-11"}  # right: the edge is not one of Twilio's networks
    assert {finding.rule for finding in report.findings} == expected


def test_lint_reads_the_password_as_it_was_given(tmp_path):
    from trunkline.pbx.lint import asterisk_conf
    from trunkline.pbx.lint.source import Budget

    request = TrunkRequest("acme.pstn.twilio.com", password="a;b#c=d")
    path = written(request, "asterisk", tmp_path)[0]
    found = asterisk_conf.read(path, tmp_path, Budget())
    (auth,) = (section for section in found.sections if section.value("type") == "auth")
    assert auth.value("password") == "a;b#c=d"
    assert "a;b#c=d" not in auth.place_of("password").text
