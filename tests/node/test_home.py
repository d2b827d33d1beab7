"""The home folder: private, one owner at a time, its secret made once."""

import os
import stat
import subprocess
import sys

import pytest
from node_fixtures import settings_in

from trunkline.node import home
from trunkline.node.home import HomeError


def test_folders_are_made_and_private(tmp_path):
    settings = settings_in(tmp_path / "a b" / "home")
    home.prepare(settings)
    home.prepare(settings)
    for folder in (settings.home, settings.run_dir, settings.spool_dir, settings.log_dir, settings.tls_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_long_home_has_its_sockets_elsewhere(tmp_path):
    settings = settings_in(tmp_path / ("x" * 120))
    home.prepare(settings)
    assert settings.socket_dir.is_dir()
    settings.socket_dir.chmod(0o777)
    with pytest.raises(HomeError, match="not a private folder"):
        home.prepare(settings)
    settings.socket_dir.rmdir()


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(HomeError, match="--home"):
            home.prepare(settings_in(place))


def test_a_home_that_everybody_may_write_into(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(HomeError, match="everybody may write"):
        home.prepare(settings_in(tmp_path))
    tmp_path.chmod(0o755)
    home.prepare(settings_in(tmp_path))


@pytest.mark.skipif(os.getuid() != 0, reason="takes another user")
def test_somebody_elses_home(tmp_path):
    settings = settings_in(tmp_path)
    os.chown(tmp_path, 1000, 1000)
    with pytest.raises(HomeError, match="belongs to user 1000"):
        home.prepare(settings)


def test_one_owner_at_a_time(tmp_path):
    settings = settings_in(tmp_path)
    home.prepare(settings)
    held = home.lock(settings)
    program = (
        "from pathlib import Path; from trunkline.node import home; from trunkline.settings import Settings;"
        f"home.lock(Settings(Path({str(tmp_path)!r})))"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert f"another `trunkline up` (process {os.getpid()}) uses {tmp_path}" in other.stderr
    os.close(held)
    os.close(home.lock(settings))


def test_the_secret_is_made_once(tmp_path):
    settings = settings_in(tmp_path)
    made = home.secret(settings)
    assert len(made) == 32
    assert home.secret(settings) == made
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    (tmp_path / "secret").write_text("short")
    with pytest.raises(HomeError, match="32 bytes"):
        home.secret(settings)
