"""TLS connections opened, used once and closed, at a steady rate: `python tls_churn.py HOST PORT SECONDS RATE`.

A program of its own, so that its handshakes have a core to themselves. Prints one JSON line: opened, answered, failed
(with the first failures in words).
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time

PATIENCE = 10.0


class Churn:
    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE  # the node's certificate is its own
        self.opened = self.answered = 0
        self.failures: list[str] = []

    async def once(self, n: int) -> None:
        """One connection, one OPTIONS, its answer, closed."""
        writer = None
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(self.host, self.port, ssl=self.context), PATIENCE
            )
            self.opened += 1
            local = (writer.get_extra_info("sockname") or (self.host, 0))[
                1
            ]  # none: the other side has closed it already
            writer.write(
                (
                    f"OPTIONS sip:{self.host}:{self.port};transport=tls SIP/2.0\r\n"
                    f"Via: SIP/2.0/TLS {self.host}:{local};branch=z9hG4bKchurn{n};rport\r\n"
                    f"From: <sip:churn@{self.host}>;tag=c{n}\r\nTo: <sip:{self.host}>\r\nCall-ID: churn-{n}-{local}\r\n"
                    "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
                ).encode()
            )
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            if answer.startswith(b"SIP/2.0 200 "):
                self.answered += 1
            else:
                self.failures.append(answer.split(b"\r\n", 1)[0].decode("latin-1"))
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError) as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        finally:
            if writer is not None:
                writer.close()

    async def run(self, seconds: float, rate: float) -> None:
        started = time.monotonic()
        running: set[asyncio.Task[None]] = set()
        n = 0
        while (passed := time.monotonic() - started) < seconds:
            while n < passed * rate:
                n += 1
                task = asyncio.create_task(self.once(n))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(0.005)
        if running:
            await asyncio.wait(running, timeout=2 * PATIENCE)


def main() -> None:
    host, port, seconds, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    churn = Churn(host, port)
    asyncio.run(churn.run(seconds, rate))
    sys.stdout.write(
        json.dumps(
            {
                "opened": churn.opened,
                "answered": churn.answered,
                "failed": len(churn.failures),
                "first": churn.failures[:5],
            }
        )
    )


if __name__ == "__main__":
    main()
