"""GET /metrics: the node's figures in Prometheus' text format, version 0.0.4.

For programs on this machine without credentials, for others with those of the platform account (HTTP Basic).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from trunkline.api.auth import authenticate, require_platform

router = APIRouter()
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample:
    """One line: a value with its labels."""

    __slots__ = ("labels", "suffix", "value")

    def __init__(self, value: float, *, suffix: str = "", **labels: str) -> None:
        self.value, self.suffix, self.labels = value, suffix, labels


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: str
    """counter, gauge or histogram"""
    told: str
    samples: Sequence[Sample]


@router.get("/metrics")
def show(request: Request) -> Response:
    if not _is_local(request):
        with request.app.state.database.read() as session:
            require_platform(authenticate(session, request.headers.get("authorization", "")))
    collect = request.app.state.metrics
    return PlainTextResponse(rendered(collect() if collect is not None else ()), media_type=CONTENT_TYPE)


def rendered(metrics: Iterable[Metric]) -> str:
    """The text format: two lines of comment for each metric, then its samples. Metrics without samples are left out."""
    lines = []
    for metric in metrics:
        if not metric.samples:
            continue
        lines += [f"# HELP {metric.name} {metric.told}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [_line(metric.name, sample) for sample in metric.samples]
    return "\n".join([*lines, ""])


def _line(name: str, sample: Sample) -> str:
    labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sample.labels.items())
    value = str(sample.value) if isinstance(sample.value, int) else f"{sample.value:.6g}"
    return f"{name}{sample.suffix}{f'{{{labels}}}' if labels else ''} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _is_local(request: Request) -> bool:
    """From this machine, and not through a proxy on it that speaks for somebody else."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
