"""`--fault` without a name, or with one that there is not, shows which faults there are and what each does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from trunkline.cli.main import cli
from trunkline.testbench.faults import BY_NAME, FAULTS, UnknownFault, choose, fault_list


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "first", "side"),
    [
        (["call", "+15550100000", "--fault", "nix"], "trunkline: --fault: no fault 'nix'; the pbx has these:", "pbx"),
        (["call", "--fault"], "trunkline: --fault: a name is wanted; the pbx has these:", "pbx"),
        (["call", "--fault", "--json"], "trunkline: --fault: a name is wanted; the pbx has these:", "pbx"),
        (["call", "--fault", "late-200"], "trunkline: --fault: no fault 'late-200'; the pbx has these:", "pbx"),
        (["carrier", "--fault"], "trunkline carrier: --fault: a name is wanted; the carrier has these:", "carrier"),
        (["carrier", "--fault", "x\x1b[2J"], "trunkline carrier: --fault: no fault 'x?[2J'; the carrier has these:",
         "carrier"),
    ],
)  # fmt: skip
def test_the_list_comes_with_the_error(arguments, first, side):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[0] == first
    assert lines[1:] == fault_list(side).splitlines()
    assert len(lines) == 1 + sum(side in fault.sides for fault in FAULTS), "a line for each"


def test_a_wrong_value_is_one_line():
    done = CliRunner().invoke(cli, ["call", "+15550100000", "--fault", "loss=many"])
    assert (done.exit_code, done.stderr) == (2, "trunkline: --fault loss=many: a number of percent is wanted\n")


def test_a_fault_and_its_value_are_taken_as_before(monkeypatch, tmp_path):
    from trunkline.cli import call_request

    seen = []
    monkeypatch.setattr(call_request, "faulty", lambda *given: seen.append(given[2]) or {"handshake": "done"})
    for words in (["--fault", "loss=20", "+15550100000"], ["+15550100000", "--fault=no-bye"]):
        done = CliRunner().invoke(cli, ["call", "--home", str(tmp_path), *words])
        assert (done.exit_code, done.stderr) == (0, "")
    assert seen == ["loss=20", "no-bye"]


@pytest.mark.parametrize("width", [60, 80])
def test_the_list_fits_a_terminal(width):
    lines = fault_list("pbx", width).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(fault_list("pbx").split()), "nothing is cut"
    names = [line.split()[0].partition("=")[0] for line in lines if not line.startswith(" ")]
    assert names == [fault.name for fault in FAULTS if "pbx" in fault.sides]
    assert all(fault.text for fault in BY_NAME.values())


def test_the_error_fits_it_too():
    with pytest.raises(UnknownFault) as found:
        choose("nix", "carrier", 70)
    assert max(map(len, str(found.value).splitlines())) <= 70
