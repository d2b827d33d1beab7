"""`trunkline explain` asks the node that its home belongs to, on whatever port that was started."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from trunkline.cli.main import cli


@pytest.mark.parametrize(
    ("options", "environment", "asked"),
    [
        ((), {}, "127.0.0.1:9"),
        (("--http-port", "11"), {}, "127.0.0.1:11"),
        (("--http-host", "127.0.0.2"), {}, "127.0.0.2:8080"),
        ((), {"TRUNKLINE_HTTP_PORT": "13"}, "127.0.0.1:13"),
    ],
)
def test_which_node_is_asked(tmp_path, options, environment, asked):
    account = {"account_sid": "AC" + "0" * 32, "auth_token": "0" * 32, "api_url": "http://127.0.0.1:9"}
    (tmp_path / "account.json").write_text(json.dumps(account))
    done = CliRunner().invoke(cli, ["explain", *options], env={"TRUNKLINE_HOME": str(tmp_path), **environment})
    assert done.exit_code == 2
    assert f"http://{asked} " in done.stderr, done.stderr
