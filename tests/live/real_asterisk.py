"""A real Asterisk in a folder of its own, with the files that `trunkline pbx config --pbx asterisk` prints.

with RealAsterisk(folder, printed, phone=phone.sip_uri) as pbx:
    pbx.wait_registered()                 # where the configuration registers
    pbx.console                           # what `asterisk -rvvv` would have shown, SIP messages included

What is changed of the printed files is what a test may not use: the port of the transport and the folder of the keys.
What is added is what the printed files leave to the user: extension 100, a phone on a transport of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from live_node import free_ports, wait_for

STARTED_WITHIN = 30.0
STOPPED_WITHIN = 20.0
_OURS = re.compile(
    r"\] (WARNING|ERROR)\[\d+\](\[[^]]*\])?:? \S*(pjsip|pjproject|sorcery|config_options|rtp|pbx|dial|channel)\S*: (.*)"
)
_ITS_START = re.compile(
    "Unable to load config|extensions.lua|Already have an application|already registered|registered during operation"
)
"""Modules without a file of theirs, two that bring the same application, and the order in which they come."""
_DEFAULTS = Path("/etc/asterisk/asterisk.conf")
_BANNER = re.compile(r"<--- (?:Received|Transmitting) SIP (?:request|response) \(")


class RealAsterisk:
    """One Asterisk. It ends by its process id; nothing of an Asterisk that the machine may run itself is touched."""

    def __init__(
        self, folder: Path, printed: Sequence[dict[str, Any]], *, phone: str, keys: Path | None = None
    ) -> None:
        """`printed`: path, text and note of each file, as `--json` gives them; `phone`: SIP URI of the phone that has
        extension 100; `keys`: folder with `fullchain.pem` and `privkey.pem`.
        """
        self.folder = folder
        self.etc = folder / "etc"
        self.console_file = folder / "log" / "console"
        self.port, self.phones_port = free_ports(2)
        self._keys = keys
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("etc", "log", "run", "db", "spool"):
            (folder / name).mkdir(parents=True)
        for one in printed:
            (self.etc / Path(one["path"]).name).write_text(self._adapted(one["text"]) + "\n")
        self._add_phone(phone)
        self._write_surroundings()

    def _adapted(self, text: str) -> str:
        text, ports = re.subn(r"(?m)^bind=0\.0\.0\.0:\d+$", f"bind=0.0.0.0:{self.port}", text)
        assert ports <= 1, text
        return text if self._keys is None else text.replace("/etc/asterisk/keys", str(self._keys))

    def _add_phone(self, phone: str) -> None:
        host = phone.removeprefix("sip:").split(":")[0]
        lines = [
            "",
            "[transport-phones]",
            "type=transport",
            "protocol=udp",
            f"bind={host}:{self.phones_port}",
            "",
            "[100]",
            "type=endpoint",
            "transport=transport-phones",
            "context=to-trunk",
            "aors=100",
            "disallow=all",
            "allow=ulaw",
            "direct_media=no",
            "",
            "[100]",
            "type=aor",
            f"contact=sip:100@{phone.removeprefix('sip:').partition(';')[0]}",
            "",
            "[100]",
            "type=identify",
            "endpoint=100",
            f"match={host}",
            "",
        ]
        with (self.etc / "pjsip.conf").open("a") as file:
            file.write("\n".join(lines))

    def _write_surroundings(self) -> None:
        """What a package brings: where things are, which modules, what is logged."""
        # The compiled-in folder of the modules stands in the package's own file, commented out or not.
        defaults = _DEFAULTS.read_text() if _DEFAULTS.exists() else ""
        found = re.search(r"(?m)^;?\s*astmoddir\s*=>\s*(\S+)", defaults)
        modules = found[1] if found else "/usr/lib/x86_64-linux-gnu/asterisk/modules"
        data = "/usr/share/asterisk" if Path("/usr/share/asterisk/documentation").is_dir() or not defaults else ""
        folders = {
            "astetcdir": self.etc,
            "astmoddir": modules,
            "astvarlibdir": self.folder / "db",
            "astdbdir": self.folder / "db",
            "astkeydir": self.folder / "db",
            "astdatadir": data or "/var/lib/asterisk",
            "astspooldir": self.folder / "spool",
            "astrundir": self.folder / "run",
            "astlogdir": self.folder / "log",
        }
        lines = [
            "[directories]",
            *(f"{name} => {path}" for name, path in folders.items()),
            "",
            "[options]",
            "verbose = 4",
        ]
        (self.etc / "asterisk.conf").write_text("\n".join(lines) + "\n")
        (self.etc / "modules.conf").write_text("[modules]\nautoload=yes\n")
        (self.etc / "logger.conf").write_text(
            "[general]\n[logfiles]\nconsole => notice,warning,error,verbose\nfull => notice,warning,error,verbose\n"
        )
        (self.etc / "cli.conf").write_text("[startup_commands]\npjsip set logger on = yes\n")

    # ---- life -------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        with self.console_file.open("wb") as out:
            self._process = subprocess.Popen(
                ["asterisk", "-f", "-n", "-vvvv", "-C", str(self.etc / "asterisk.conf")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "TERM": "dumb"},
                start_new_session=True,
            )
        wait_for(self._booted, f"Asterisk's start; {self.console[-2000:]}", within=STARTED_WITHIN)
        return self

    def _booted(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Asterisk ended with {self._process.returncode}: {self.console[-3000:]}"
        return "Asterisk has fully booted" in self.run("core waitfullybooted")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self.run("core stop now")
        try:
            self._process.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    # ---- what it says -----------------------------------------------------------------------------------------------

    def run(self, command: str) -> str:
        """A command of the console, and what it prints."""
        done = subprocess.run(
            ["asterisk", "-C", str(self.etc / "asterisk.conf"), "-rx", command],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        return done.stdout + done.stderr

    @property
    def console(self) -> str:
        return self.console_file.read_text(errors="replace")

    @property
    def full_log(self) -> Path:
        """The file `full`, as /etc/asterisk/logger.conf makes it."""
        return self.folder / "log" / "full"

    def messages(self) -> int:
        """SIP messages that it logged so far."""
        return len(_BANNER.findall(self.full_log.read_text(errors="replace")))

    def complaints(self) -> list[str]:
        """Warnings and errors of the modules that read the printed files and carry calls."""
        lines = self.full_log.read_text(errors="replace").splitlines()
        return [line for line in lines if _OURS.search(line) and not _ITS_START.search(line)]

    def wait_reachable(self) -> None:
        """Until OPTIONS to the trunk were answered; by itself it asks first some time within `qualify_frequency`."""
        self.run("pjsip qualify trunk")
        wait_for(lambda: "Avail" in self.run("pjsip show contacts"), "an answer to OPTIONS of the AOR", within=20)

    def wait_registered(self) -> None:
        wait_for(lambda: "Registered" in self.run("pjsip show registrations"), "the registration", within=20)


def why_not() -> str:
    """Empty where a real Asterisk can be run."""
    return (
        ""
        if shutil.which("asterisk")
        else "no Asterisk here: Debian 12 and 13 have no package of it; see docs/testbench.md"
    )
