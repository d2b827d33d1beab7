"""baresip, a SIP client with a stack of its own (libre). Without a sound card: it sends a tone, and records."""

from __future__ import annotations

import array
import math
import shutil
import subprocess
import wave
from dataclasses import dataclass
from pathlib import Path

import pytest
from live_node import LiveNode, LiveTrunk

from trunkline.testbench.tone import ToneReading, read_tone

MODULES = next(
    (path for path in (Path("/usr/lib/baresip/modules"), Path("/usr/lib64/baresip/modules")) if path.is_dir()), None
)


@dataclass(frozen=True, slots=True)
class BaresipCall:
    output: str
    heard: ToneReading | None
    """What came back; None: nothing was decoded."""
    call_id: str


def write_tone(path: Path, hz: float, seconds: float) -> None:
    samples = array.array(
        "h", (round(8000 * math.sin(2 * math.pi * hz * n / 8000)) for n in range(round(8000 * seconds)))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def call(
    node: LiveNode,
    trunk: LiveTrunk,
    called: str,
    folder: Path,
    *,
    transport: str = "udp",
    seconds: int = 4,
    srtp: bool = False,
) -> BaresipCall:
    """Dial, send 1 kHz, end (with BYE) after so many seconds."""
    if MODULES is None or shutil.which("baresip") is None:
        pytest.fail("baresip is not installed: apt-get install baresip-core")
    tone = folder / "tone.wav"
    write_tone(tone, 1000.0, seconds + 2.0)
    # account.so is last: it reads the account, which names what the others bring.
    modules = ["g711.so", "aufile.so", "aubridge.so", "sndfile.so", "srtp.so", "menu.so", "account.so"]
    (folder / "config").write_text(
        "\n".join(
            [
                f"module_path {MODULES}",
                "sip_listen 127.0.0.1:0",
                "rtp_ports 42000-43000",
                "sip_verify_server no",
                f"audio_source aufile,{tone}",
                "audio_player aubridge,nowhere",
                "audio_alert aubridge,nowhere",
                f"snd_path {folder}",
                "audio_srate 8000",
                "audio_channels 1",
                "ausrc_srate 8000",
                "auplay_srate 8000",
                "ausrc_channels 1",
                "auplay_channels 1",
                *(f"module {name}" for name in modules),
                "",
            ]
        )
    )
    media = ";mediaenc=srtp-mand" if srtp else ""
    (folder / "accounts").write_text(
        f"<sip:{trunk.number}@{trunk.domain_name};transport={transport}>;auth_user={trunk.username};auth_pass={trunk.password}"
        f';outbound="{node.sip_uri(transport)}";regint=0;audio_codecs=PCMU{media}\n'
    )
    (folder / "contacts").write_text("")
    done = subprocess.run(
        ["baresip", "-4", "-s", "-f", str(folder), "-e", f"/dial sip:{called}@{trunk.domain_name}", "-t", str(seconds)],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 15,
        stdin=subprocess.DEVNULL,
    )
    decoded = sorted(folder.glob("*dec.wav"))
    heard = read_tone(decoded[0], 1000.0) if decoded else None
    ids = [line.split(":", 1)[1].strip() for line in done.stdout.splitlines() if line.lower().startswith("call-id:")]
    return BaresipCall(done.stdout + done.stderr, heard, ids[0] if ids else "")
