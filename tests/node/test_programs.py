"""Which programs a node has, and in which order they stop."""

import json
import sys

from node_fixtures import settings_in

from trunkline.node import home
from trunkline.node.programs import carrier_command, node_programs
from trunkline.settings import Ports, Settings

PORTS = Ports(22001, 22002, 22003, 22004, 22005)


def listed(tmp_path, *, demo):
    settings = settings_in(tmp_path)
    home.prepare(settings)
    return settings, node_programs(settings, PORTS, b"s" * 32, demo=demo)


def test_the_order_of_stopping(tmp_path):
    _, programs = listed(tmp_path, demo=True)
    by_priority = sorted(programs, key=lambda program: -program.priority)
    assert [program.name for program in by_priority] == [
        "carrier", "kamailio", "tls_front", "tracer", "recorder", "rtpengine", "publisher", "api",
    ]  # fmt: skip


def test_without_demo_there_is_no_carrier(tmp_path):
    _, programs = listed(tmp_path, demo=False)
    assert "carrier" not in {program.name for program in programs}


def test_our_programs_get_the_settings_by_environment(tmp_path):
    settings, programs = listed(tmp_path, demo=False)
    for program in programs:
        if program.name in ("api", "publisher", "recorder", "tracer"):
            assert program.argv[0] == sys.executable
            assert Settings.load({}, program.environment) == settings
    json.dumps([program.argv for program in programs])


def test_the_carrier_has_an_address_of_its_own():
    assert carrier_command(PORTS)[-6:] == ["--host", "127.0.5.60", "--port", "22004", "--control-port", "22005"]
