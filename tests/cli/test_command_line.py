"""The command tree: help that teaches, one line for what is wrong, exit statuses that a script can trust."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from trunkline.cli.main import cli
from trunkline.cli.reference import reference
from trunkline.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def run(*arguments, home=None, **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")}
    if home is not None:
        environment["TRUNKLINE_HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-m", "trunkline.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=clean | environment,
    )


def commands(group=cli, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", [path for path in commands() if path != ("carrier",)], ids=" ".join)
def test_help_has_an_example(path):
    command = cli
    for name in path:
        command = command.commands[name]
    shown = command.get_help(click.Context(command, info_name=path[-1], **cli.context_settings))
    assert f"  trunkline {' '.join(path)}" in shown, "an example is how help teaches"


def test_the_carriers_help_is_its_own():
    done = run("carrier", "--help")
    assert done.returncode == 0
    assert "--numbers" in done.stdout


def test_an_argument_that_is_no_text_is_one_line():
    done = run("carrier", "--host", "\udcff")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "trunkline: argument 3 holds bytes that are not UTF-8\n"


def test_what_the_system_refuses_is_one_line(tmp_path):
    done = run("routing", "rebuild", home=tmp_path / ("x" * 300))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(": File name too long\n")
    assert done.stderr.count("\n") == 1


def test_the_reference_is_fresh():
    assert (DOCS / "cli.md").read_text() == reference(), "stale: run `make docs`"


@pytest.mark.parametrize("option", list(Settings.__dataclass_fields__))
def test_every_setting_is_an_option_of_up(option):
    names = {parameter.name for parameter in cli.commands["up"].params}
    assert option in names


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["up", "--bogus"], "No such option"),
        (["up", "--sip-port", "abc"], "--sip-port 'abc': a port from 1 to 65535 is wanted"),
        (["up", "--rtp-ports", "5"], "--rtp-ports '5'"),
        (["up", "--home", "/proc/nowhere"], "choose another place with --home"),
        (["bogus"], "No such command"),
        (["call"], "Missing argument"),
        (["call", "+15550100000", "--seconds", "many"], "--seconds"),
        (["ping", "http://x"], "give a SIP URI"),
        (["demo-info"], "no demo in"),
        (["account", "show"], "`trunkline up` writes it"),
        (["routing", "rebuild"], "no database in"),
        (["db", "upgrade", "--database-url", "mysql://x"], "postgresql://"),
        (["status", "--http-port", "1"], "no node answers"),
        (["call", "+15550100000"], "--via"),
        (["call", "--from-carrier", "+15550100000"], "trunkline up --demo"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_one_line_and_status_2(tmp_path, arguments, says):
    done = run(*arguments, home=tmp_path / "home")
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert says in done.stderr
    assert done.stderr.startswith("trunkline: ")


def test_a_wrong_variable_is_named(tmp_path):
    done = run("up", home=tmp_path, TRUNKLINE_TLS_PORT="none")
    assert done.returncode == 2
    assert done.stderr == "trunkline: TRUNKLINE_TLS_PORT 'none': a port from 1 to 65535 is wanted\n"


def test_without_a_command_there_is_help():
    done = run()
    assert done.returncode == 2
    assert "trunkline up --demo" in done.stdout


def test_version():
    assert run("--version").stdout.startswith("trunkline ")


@pytest.fixture
def answering():
    """A SIP address that answers every request with 200."""
    yield from _answering("OK", "")


@pytest.fixture
def hostile():
    """The same, with what a terminal would act on."""
    yield from _answering("\x1b]0;owned\x07\u202eKO", "Server: \x1b[2Jgone\r\n")


def _answering(reason, headers):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        over = threading.Event()

        def answer():
            while not over.is_set():
                try:
                    request, sender = server.recvfrom(65535)
                except TimeoutError:
                    continue
                lines = request.decode().split("\r\n")
                kept = [line for line in lines if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))]
                answer = "\r\n".join([f"SIP/2.0 200 {reason}", *kept, f"{headers}Content-Length: 0", "", ""])
                server.sendto(answer.encode(), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def test_ping_of_a_living_address(answering):
    done = run("ping", f"sip:127.0.0.1:{answering}", "--count", "2", "--interval", "0", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["sent"], report["received"]) == (2, 2)
    in_words = run("ping", f"sip:127.0.0.1:{answering}", "--count", "1")
    assert "200 OK in " in in_words.stdout
    assert "1 of 1 answered" in in_words.stdout


def test_what_a_stranger_says_does_nothing_to_the_terminal(hostile):
    done = run("ping", f"sip:127.0.0.1:{hostile}", "--count", "1")
    assert done.returncode == 0, done.stderr
    assert "200 ?]0;owned??KO in " in done.stdout
    assert done.stdout.strip("\n").replace("\n", "").isprintable()


def test_ping_of_nobody():
    done = run("ping", "sip:127.0.0.1:1", "--count", "1")
    assert done.returncode == 1
    assert "0 of 1 answered" in done.stdout


def test_storage_commands(tmp_path):
    done = run("db", "upgrade", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["revision"]
    done = run("routing", "rebuild", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 0
    assert (tmp_path / "routing.db").exists()


def test_the_unit_is_printed_or_written(tmp_path):
    printed = run("systemd", "--sip-port", "15060")
    assert 'Environment="TRUNKLINE_HOME=/var/lib/trunkline"' in printed.stdout
    assert 'Environment="TRUNKLINE_SIP_PORT=15060"' in printed.stdout
    written = run("systemd", "--write", str(tmp_path))
    assert written.returncode == 0
    assert (tmp_path / "trunkline.service").exists()
    assert run("systemd", "--write", str(tmp_path / "nowhere")).returncode == 2
