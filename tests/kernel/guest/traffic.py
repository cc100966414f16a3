"""Traffic by iperf3, counted at the receiver."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.kernel.guest.network import NETWORK, address, namespace
from tests.kernel.guest.system import die_with_parent, in_namespace, wait_until
from tests.kernel.job import Flow, Job, Measured

_FIRST_PORT = 5201
_UDP_BUFFER = "4M"
"""bytes. The receiver is slow here, and what it drops itself is no effect of the limit."""
_GRACE = 40.0
"""s beyond its duration that a flow may take to begin and to end."""


class Traffic:
    """One flow of guest `number`; `start` begins it, `finish` returns what was measured."""

    def __init__(self, job: Job, number: int, flow: Flow, index: int) -> None:
        receiver, sender = (NETWORK, number) if flow.direction == "out" else (number, NETWORK)
        port = str(_FIRST_PORT + index)
        self._flow = flow
        self._limit = job.warmup + job.seconds + _GRACE
        self._server = _start(receiver, "--server", "--one-off", "--port", port)
        self._command = [
            "--client", address(receiver, job.family), "--port", port,
            "--time", str(job.seconds), "--omit", str(job.warmup),
            "--parallel", str(flow.streams),
        ]  # fmt: skip
        if flow.offered:
            self._command += ["--bitrate", str(flow.offered // flow.streams)]
        if flow.protocol == "udp":
            self._command += ["--udp", "--window", _UDP_BUFFER]
        self._sender = sender
        self._receiver, self._port = receiver, port
        self._client: subprocess.Popen[str] | None = None

    def wait_for_server(self) -> None:
        """Wait until the receiver listens."""
        command = ["ss", "-Hltn", f"sport = :{self._port}"]
        wait_until(
            lambda: bool(in_namespace(namespace(self._receiver), *command)), "an iperf3 server"
        )

    def start(self) -> None:
        """Begin to send."""
        self._client = _start(self._sender, *self._command)

    def finish(self) -> Measured:
        """Wait for the end; RuntimeError when it fails or does not end."""
        assert self._client is not None
        try:
            sent = _report(self._client, self._limit)
            received = _report(self._server, _GRACE)
        finally:
            self.close()
        intervals = received["intervals"]
        counted = [part["sum"] for part in intervals if not part["sum"]["omitted"]]
        # The last interval may be a few milliseconds that hold nothing.
        seconds = sum(part["seconds"] for part in counted)
        udp = self._flow.protocol == "udp"
        total = sent["end"]["sum" if udp else "sum_sent"]
        return Measured(
            goodput=8 * sum(part["bytes"] for part in counted) / seconds,
            intervals=tuple(part["sum"]["bits_per_second"] for part in intervals),
            retransmits=total.get("retransmits", -1),
            sent=total["bits_per_second"],
            lost=received["end"]["sum"]["lost_percent"] / 100 if udp else -1,
        )

    def close(self) -> None:
        """End both processes."""
        for process in (self._client, self._server):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def _start(number: int, *arguments: str) -> subprocess.Popen[str]:
    command = ["ip", "netns", "exec", namespace(number), "iperf3", "--json", *arguments]
    return subprocess.Popen(
        die_with_parent(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _report(process: subprocess.Popen[str], limit: float) -> dict[str, Any]:
    try:
        text, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"iperf3 has not ended after {limit:g} s") from None
    try:
        report: dict[str, Any] = json.loads(text)
    except ValueError:
        raise RuntimeError(f"iperf3: {text.strip()!r}") from None
    if "error" in report:
        raise RuntimeError(f"iperf3: {report['error']}")
    return report
