"""An ovsdb-server that answers nonsense, too much or nothing, at every entry point."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.ovsdb.client import Client
from ganeti_ovs.ovsdb.stored import tables_to_json
from ganeti_ovs.ovsdb.switches import READ
from tests.captured import ACCESS
from tests.ovs.nodeapply import document
from tests.ovs.support import environ
from tests.ovs.test_hooks import HOOKS
from tests.testbed import batch
from tests.testbed.batch import badly_ended
from tests.testbed.guests import Guests
from tests.testbed.liar import LIES
from tests.testbed.openvswitch import OpenVSwitch, wait_until
from tests.testbed.product import SOURCE, Product

pytestmark = pytest.mark.rest

GOOD = (0, 3)
"""How many messages are answered well before: the request for a lock is the first one."""
WANTED = {"br0": {"mtu": "9000"}}


class Node:
    """A node's files, and the rows of a real Open vSwitch, which a liar then answers with."""

    def __init__(self, ovs: OpenVSwitch, product: Product, directory: Path) -> None:
        self.product, self.directory = product, directory
        guests = Guests(ovs.dir / "var")
        self.guests = guests
        guests.start("inst1.lab", environ(ovs))
        guests.configuration(environ(ovs))
        assert product.run(environ(ovs, TAGS="ovs:nic:0:max_bandwidth:10M")).returncode == 0
        kept = ovs.dir / "var/lib/ganeti-ovs/switches.json"
        kept.parent.mkdir(parents=True)
        kept.write_text(document(WANTED) + "\n")
        self.var = ovs.dir / "var"
        self.tables = directory / "tables"
        with Client(str(ovs.socket)) as client:
            tables = client.read(dict.fromkeys((*READ, "Queue"), ()))
        rows = {table: [*found.values()] for table, found in tables_to_json(tables, set()).items()}
        for row in rows["Interface"]:
            row["statistics"] = ["map", [["rx_bytes", 1]]]  # Such columns are read alone.
        self.tables.write_text(json.dumps(rows))

    def calls(self) -> dict[str, tuple[list[str], dict[str, str], str]]:
        """Every entry point: words, environment, input."""
        hooks = self.product.etc / "ganeti/hooks"
        here = {"GANETI_INSTANCE_PRIMARY": socket.gethostname()}
        pre = {**HOOKS["instance-modify-pre"], **here, "GANETI_HOOKS_PHASE": "pre"}
        post = {**HOOKS["instance-modify-post"], **here, "GANETI_HOOKS_PHASE": "post"}
        verify = {"GANETI_HOOKS_PATH": "cluster-verify", "GANETI_HOOKS_PHASE": "post"}
        gnt = str(self.product.gnt_ovs)
        return {
            "up": ([str(self.product.kvm_vif_bridge)], ACCESS, ""),
            "down": ([str(self.product.down)], {**ACCESS, "ACTION": "down"}, ""),
            "other": ([str(self.product.kvm_vif_bridge)], {**ACCESS, "MODE": "?"}, ""),
            "pre": ([str(hooks / "instance-modify-pre.d/50-ovs")], pre, ""),
            "post": ([str(hooks / "instance-modify-post.d/50-ovs")], post, ""),
            "watcher": ([str(hooks / "watcher/50-ovs")], {}, ""),
            "verify": ([str(hooks / "cluster-verify-post.d/50-ovs")], verify, ""),
            "reconcile": ([gnt, "reconcile"], {}, ""),
            "show": ([gnt, "show", "--json"], {}, ""),
            "node-apply": ([gnt, "node-apply", "--json"], {}, document(WANTED) + "\n"),
        }

    def job(self, place: Path, call: tuple[list[str], dict[str, str], str]) -> dict[str, Any]:
        """One call on a copy of the node's files, with the database at `place`."""
        words, environment, text = call
        var = place / f"var{len(list(place.iterdir()))}"
        shutil.copytree(self.var, var, ignore=shutil.ignore_patterns("ctrl"))
        environment = {
            **environment,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "OVS_RUNDIR": str(place),
            "LOCALSTATEDIR": str(var),
            "GANETI_OVS_TIMEOUT": "1",
            "SYSCONFDIR": str(self.product.etc),
        }
        return {"words": words, "environ": environment, "input": text}


@pytest.fixture
def node(ovs: OpenVSwitch, product: Product, tmp_path: Path) -> Iterator[Node]:
    fixture = Node(ovs, product, tmp_path)
    yield fixture
    fixture.guests.close()


def run(node: Node, lies: list[str], good: tuple[int, ...]) -> dict[str, dict[str, Any]]:
    """How each call has ended with each lie, after so many good messages in turn."""
    names, jobs, sockets = [], [], []
    for number, lie in enumerate(lies):
        for place in (node.directory / f"{lie}.{count}" for count in good):
            place.mkdir()
            sockets.append(place / "db.sock")
        for turn, (name, call) in enumerate(node.calls().items()):
            count = good[(number + turn) % len(good)]
            jobs.append(node.job(node.directory / f"{lie}.{count}", call))
            names.append(f"{name} {lie}.{count}")
    words = [sys.executable, "-m", "tests.testbed.liar", str(node.tables), *map(str, sockets)]
    liar = subprocess.Popen(words, cwd=SOURCE, stdin=subprocess.PIPE)
    try:
        wait_until(lambda: all(path.exists() for path in sockets), "the liar's sockets")
        return dict(zip(names, batch.run(jobs, node.directory, parallel=12)))
    finally:
        liar.kill()
        liar.communicate()


def wrong(name: str, done: dict[str, Any]) -> str:
    """What is not as it should be; "" if all is well."""
    lines = done["err"].splitlines()
    if name.startswith(("up", "down", "show")) and len(lines) > 1:
        return f"{len(lines)} lines"
    told = lines or (name.startswith("node-apply") and '"error"' in done["out"])
    if done["code"] and not told and not name.startswith("other"):
        return "failed without a word"
    return badly_ended(done)


def test_every_lie_at_every_entry_point(node: Node) -> None:
    done = run(node, sorted(LIES), GOOD)
    assert len(LIES) >= 25
    assert len(done) == len(LIES) * len(node.calls())
    problems = {
        name: (found, one["seconds"], one["err"][-600:], one["out"][-300:])
        for name, one in done.items()
        if (found := wrong(name, one))
    }
    assert not problems, "\n".join(f"{name}: {words}" for name, words in problems.items())
    # A lie in the first message never passes for success where rows are needed.
    passed = [
        name
        for name, one in done.items()
        if name.startswith(("pre", "show", "node-apply", "up", "reconcile"))
        and name.endswith(".0")
        and not one["code"]
    ]
    assert passed == ["pre references-dangle.0"]  # it asks for names alone


def test_speaking_well_all_the_time(node: Node) -> None:
    """Else the test above would show nothing of what comes after the first message."""
    done = run(node, ["null"], (1000,))
    ended = {name.partition(" ")[0]: one for name, one in done.items()}
    assert {name for name, one in ended.items() if one["code"]} <= {"other", "verify"}, done
