"""The internal ports: free, outside the media range, and the same again."""

import random
import socket

from node_fixtures import settings_in

from trunkline.node import ports
from trunkline.settings import Ports


def test_the_same_ports_again_while_they_are_free(tmp_path):
    settings = settings_in(tmp_path)
    settings.run_dir.mkdir()
    first = ports.choose(settings, random.Random(1))
    assert ports.choose(settings, random.Random(2)) == first
    assert Ports.read(settings.ports_file) == first
    with socket.create_server(("127.0.0.1", first.edge_inner)):
        second = ports.choose(settings, random.Random(3))
    assert second.edge_inner != first.edge_inner
    assert second.ng == first.ng


def test_ports_differ_and_keep_out_of_the_media_range(tmp_path):
    settings = settings_in(tmp_path, rtp_ports="10000-60000")
    settings.run_dir.mkdir()
    chosen = ports.choose(settings)
    numbers = [chosen.ng, chosen.edge_inner, chosen.tls_front, chosen.carrier, chosen.carrier_control]
    assert len(set(numbers)) == 5
    assert all(number < 10000 for number in numbers)


def test_a_damaged_file_is_no_obstacle(tmp_path):
    settings = settings_in(tmp_path)
    settings.run_dir.mkdir()
    settings.ports_file.write_text("{")
    assert ports.choose(settings).ng


def test_what_is_taken_shows():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free("127.0.0.1", ("tcp",), port)
        assert ports.is_free("127.0.0.1", ("udp",), port)
    assert ports.is_free("127.0.0.1", ("tcp", "udp"), port)
