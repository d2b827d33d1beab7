"""Files of the home that are not what they should be: one clear line and exit status 2, or a new file."""

from __future__ import annotations

import pytest
from node_fixtures import settings_in

from trunkline.node.recorder import _spool_name
from trunkline.node.up import refuse


@pytest.mark.parametrize("old", [b"", b"\xff\xfe", b"name of somebody\n"])
def test_a_spool_with_a_broken_name_gets_a_new_one(tmp_path, old):
    (tmp_path / "name").write_bytes(old)
    found = _spool_name(tmp_path)
    assert len(found) == 32
    assert _spool_name(tmp_path) == found


def test_what_the_system_refuses_is_one_line(tmp_path, capsys):
    settings = settings_in(tmp_path / "home")
    (settings.home / "secret").mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as problem:
        (settings.home / "secret").read_text()
    assert refuse(problem.value) == 2
    assert capsys.readouterr().err == f"trunkline: {settings.home / 'secret'}: Is a directory\n"
