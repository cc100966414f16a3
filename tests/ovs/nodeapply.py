"""gnt-ovs node-apply as the master calls it."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.model.document import to_document
from ganeti_ovs.model.vswitch import vswitch
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product

Wanted = dict[str, dict[str, str]]


class Node:
    """A node with this Open vSwitch and this product."""

    def __init__(self, ovs: OpenVSwitch, product: Product) -> None:
        self.ovs, self.product = ovs, product
        self.environ = dict(ovs.environ)
        self.stored = Path(ovs.environ["LOCALSTATEDIR"]) / "lib/ganeti-ovs/switches.json"

    @property
    def runtime(self) -> Runtime:
        """Where its files are."""
        return runtime(self.environ)

    def start(self, wanted: Wanted, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """node-apply with this document on its standard input, which stays open."""
        process = subprocess.Popen(
            [str(self.product.gnt_ovs), "node-apply", *arguments],
            env={**self.environ, **environ},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdin
        process.stdin.write(document(wanted) + "\n")
        process.stdin.flush()
        return process

    def run(
        self, wanted: Wanted, *arguments: str, code: int = 0, **environ: str
    ) -> tuple[list[str], list[str]]:
        """The lines of its standard output and error."""
        process = self.start(wanted, *arguments, **environ)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (out, err)
        return out.splitlines(), err.splitlines()

    def json(self, wanted: Wanted, *arguments: str, code: int = 0, **environ: str) -> Any:
        (line,), _ = self.run(wanted, "--json", *arguments, code=code, **environ)
        return json.loads(line)


def answer(process: subprocess.Popen[str]) -> Any:
    """Its next line of output, within a minute."""
    assert process.stdout
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        line = process.stdout.readline()
    finally:
        timer.cancel()
    assert line, process.communicate(timeout=60)
    return json.loads(line)


def document(wanted: Wanted) -> str:
    return to_document([vswitch(name, values) for name, values in wanted.items()], "7")
