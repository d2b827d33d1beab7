"""The configuration that `trunkline pbx config` prints for Asterisk works against the edge, as far as it can be tried
without Asterisk: PJSIP, the stack that chan_pjsip is built on, takes next hop, request line, user, caller ID, transport
and SRTP out of the files and calls, registers and is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from demo_carrier import DemoCarrier, complaints
from live_node import LiveNode, LiveTrunk

from trunkline.cli.main import cli
from trunkline.pbx.lint import asterisk_conf
from trunkline.pbx.lint.asterisk_conf import Configuration, Section
from trunkline.pbx.lint.pjsip_trunks import sections_of
from trunkline.pbx.lint.sip_uri import parse
from trunkline.pbx.lint.source import Budget
from trunkline.testbench.call_plan import CallPlan
from trunkline.testbench.pbx import PbxProcess

pytestmark = pytest.mark.live
ECHO = "+15550100000"


@pytest.fixture(scope="module")
def pbx() -> Iterator[PbxProcess]:
    with PbxProcess("--tls-port", "0") as agent:
        yield agent
    assert agent.returncode == 0, agent.stderr()


def pjsip_of(node: LiveNode, trunk: LiveTrunk, folder: Path, *options: str) -> Configuration:
    """pjsip.conf, as Asterisk would read it."""
    arguments = ["pbx", "config", "--trunk", trunk.sid, "--pbx", "asterisk", "--password", trunk.password, *options]
    done = CliRunner().invoke(cli, arguments, env={name: node.environment[name] for name in ("TRUNKLINE_HOME",)})
    assert done.exit_code == 0, done.output
    path = folder / "pjsip.conf"
    path.write_text(done.stdout.partition("rtp.conf")[0])
    return asterisk_conf.read(path, folder, Budget())


def one(configuration: Configuration, kind: str) -> Section:
    (found,) = sections_of(configuration, kind)
    return found


def next_hop(section: Section) -> str:
    """`outbound_proxy` as the test PBX takes it, which adds lr and hide itself."""
    uri = parse(section.value("outbound_proxy"))
    assert {"lr", "hide"} <= uri.parameters.keys()
    return f"sip:{uri.host}:{uri.port};transport={uri.transport or 'udp'}"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "secure"])
@pytest.mark.parametrize("by_address", [False, True], ids=["credentials", "address"])
def test_calls_go_out(node: LiveNode, pbx: PbxProcess, tmp_path: Path, secure: bool, by_address: bool) -> None:
    trunk = node.make_trunk(secure=secure, credentials=not by_address, acl="127.0.0.1/32" if by_address else None)
    read = pjsip_of(node, trunk, tmp_path)
    endpoint, contact = one(read, "endpoint"), parse(one(read, "aor").value("contact"))
    auth = None if by_address else one(read, "auth")
    assert (auth is None) == (endpoint.last("outbound_auth") is None)
    result = pbx.call(
        CallPlan(
            to=f"sip:{ECHO}@{contact.host}",
            via=next_hop(endpoint),
            caller=trunk.number,
            from_host=endpoint.value("from_domain"),
            username=auth.value("username") if auth else None,
            password=auth.value("password") if auth else None,
            srtp="mandatory" if endpoint.value("media_encryption") == "sdes" else "off",
            seconds=1.0,
        )
    )
    assert (result.sip_status, result.challenges) == (200, 0 if by_address else 1), result
    assert result.media.srtp is secure
    assert result.media.tone is not None
    assert result.media.tone.heard
    assert complaints(node, result.call_id) == []


def test_a_registered_pbx_is_called(node: LiveNode, carrier: DemoCarrier, tmp_path: Path) -> None:
    trunk = node.make_trunk(Registration="allowed")
    read = pjsip_of(node, trunk, tmp_path, "--auth", "registration")
    registration, auth = one(read, "registration"), one(read, "auth")
    assert parse(registration.value("client_uri")).user == auth.value("username")
    with PbxProcess() as pbx:
        pbx.behave("answer", media="tone:700")
        host = parse(registration.value("server_uri")).host
        outcome = pbx.register(next_hop(registration), host, auth.value("username"), auth.value("password"))
        assert outcome["sip_status"] == 200
        result = carrier.call(carrier.plan(trunk.number, seconds=1.0, listen_hz=700.0))
        assert result.sip_status == 200
        (seen,) = pbx.seen()
        assert seen.called == trunk.number, "an extension of the context from-trunk"
        assert parse(one(read, "identify").value("match")).host == seen.source.split(":")[1]
        pbx.unregister(next_hop(registration), host, auth.value("username"), auth.value("password"))
