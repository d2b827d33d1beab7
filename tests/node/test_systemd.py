"""The unit for production."""

from node_fixtures import settings_in

from trunkline.node import systemd


def test_the_unit_has_the_settings(tmp_path):
    text = systemd.unit(settings_in(tmp_path / "a b%c", sip_port="15060", drain_seconds="60"), "trunk")
    assert "User=trunk\n" in text
    assert f'Environment="TRUNKLINE_HOME={tmp_path}/a b%%c"\n' in text
    assert 'Environment="TRUNKLINE_SIP_PORT=15060"\n' in text
    assert "TimeoutStopSec=105\n" in text
    assert "AmbientCapabilities=\n" in text


def test_a_low_port_brings_its_right(tmp_path, monkeypatch):
    monkeypatch.setattr("trunkline.node.capabilities.first_unprivileged_port", lambda: 1024)
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in systemd.unit(settings_in(tmp_path, sip_port="443"), "trunk")


def test_the_databases_password_stays_out_of_a_file_that_everybody_reads(tmp_path):
    settings = settings_in(tmp_path, database_url="postgresql://trunkline:secret@db/trunkline")
    text = systemd.unit(settings, "trunk")
    assert "secret" not in text
    assert f'EnvironmentFile="-{tmp_path}/environment"\n' in text
    assert any("environment" in step and "DATABASE_URL" in step for step in systemd.next_steps(settings, "trunk"))
