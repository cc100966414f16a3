"""Files with anything in them, or anything in their place; documents that are none."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.ovs.nodeapply import document
from tests.ovs.support import environ, wanted
from tests.testbed import batch
from tests.testbed.guests import Guests
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import SOURCE, Product

pytestmark = pytest.mark.rest

_LIMIT = 20.0
"""Seconds that a program may take, several at once; all of the product's own limits are below."""
_MIB = 1 << 20


def contents(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * _MIB)


INSTEAD: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "directory": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "dangling": lambda path: path.symlink_to("/nowhere/at/all"),
    "circular": lambda path: path.symlink_to(path.name),
    "100-mib": sparse,
    "empty": contents(b""),
    "binary": contents(bytes(range(256)) * 16),
    "nul": contents(b"\0\0\0"),
    "no-utf8": contents(b'{"\xff\xfe": "\x80"}'),
    "a-mib-in-a-line": contents(b"x" * _MIB),
    "nested": contents(b"[" * 100_000 + b"]" * 100_000),
    "nested-objects": contents(b'{"a":' * 100_000),
    "null": contents(b"null"),
    "number": contents(b"-1"),
    "digits": contents(b"9" * 5000),
    "list": contents(b'[1, [2, {"a": null}], [3]]'),
    "object": contents(b'{"a": [], "1": 2, "instances": [1], "networks": 7, "switches": 3}'),
    "odd": contents(
        b'{"instances": {"x": {"name": [1], "tags": 5, "nics": {"a": 1}}, "y": 3, "z": '
        b'{"name": "inst1.lab", "tags": {"a": 1}, "nics": [1, {"uuid": [], "network": []}]}}, '
        b'"networks": {"n": {"uuid": {}, "tags": null}}, "format": [], "revision": {}}'
    ),
    "runtime-odd": contents(b'["qemu", [{"uuid": [], "nicparams": 5, "netinfo": 7, "mac": {}}]]'),
    "runtime-odder": contents(b'["qemu", [{"nicparams": [], "netinfo": {"tags": 5}}, 3, null]]'),
    "lines": contents(b"INTERFACE=tap0\nINSTANCE=\xff\nVLAN\n=\n==\nMAC=\0\nINTERFACE_INDEX=-1\n"),
}

FILES = {
    "pid": "run/ganeti/kvm-hypervisor/pid/inst1.lab",
    "runtime": "run/ganeti/kvm-hypervisor/conf/inst1.lab.runtime",
    "nic": "run/ganeti/kvm-hypervisor/nic/inst1.lab/0",
    "record": "run/ganeti-ovs/nic/tap0",
    "config": "lib/ganeti/config.data",
    "master": "lib/ganeti/ssconf_master_node",
    "kept": "lib/ganeti-ovs/switches.json",
    "sent": "lib/ganeti-ovs/sent.json",
    "pending": "lib/ganeti-ovs/pending.json",
}
"""Below LOCALSTATEDIR."""


SENT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from ganeti_ovs.cluster.runtime import runtime
from ganeti_ovs.master.journal import Journal
Journal(runtime(os.environ)).alone("node", '{"format": 1, "revision": "", "switches": {}}')
"""


def calls(product: Product) -> dict[str, tuple[list[str], dict[str, str]]]:
    hooks = product.etc / "ganeti/hooks"
    verify = {"GANETI_HOOKS_PATH": "cluster-verify", "GANETI_HOOKS_PHASE": "post"}
    return {
        "reconcile": ([str(product.gnt_ovs), "reconcile"], {}),
        "watcher": ([str(hooks / "watcher/50-ovs")], {}),
        "verify": ([str(hooks / "cluster-verify-post.d/50-ovs")], verify),
        # On a node without Ganeti no hook comes so far.
        "sent": ([sys.executable, "-c", SENT, str(SOURCE)], {}),
    }


def which(file: str) -> tuple[str, ...]:
    """The calls that read it."""
    if file == "sent":
        return ("sent",)
    if file == "master":
        return ("watcher", "verify")
    return ("reconcile", "verify") if file == "kept" else ("reconcile", "watcher")


@pytest.mark.parametrize("file", FILES)
def test_hostile_files(file: str, ovs: OpenVSwitch, product: Product, tmp_path: Path) -> None:
    """Something else in the file's place: each call ends in time, with lines or none."""
    guests = Guests(ovs.dir / "var")
    try:
        guests.start("inst1.lab", environ(ovs))
        guests.configuration(environ(ovs))
        assert product.run(environ(ovs)).returncode == 0
        (ovs.dir / "var/lib/ganeti-ovs").mkdir(parents=True)
        (ovs.dir / "var/lib/ganeti/ssconf_master_node").write_text("other")
        names, jobs = [], []
        for kind, put in INSTEAD.items():
            for name in which(file):
                var = tmp_path / f"{kind}.{name}"
                # Without qemu's sockets, which cannot be copied.
                shutil.copytree(ovs.dir / "var", var, ignore=shutil.ignore_patterns("ctrl"))
                path = var / FILES[file]
                path.unlink(missing_ok=True)
                put(path)
                words, environment = calls(product)[name]
                environment = {
                    **ovs.environ,
                    **environment,
                    "LOCALSTATEDIR": str(var),
                    "SYSCONFDIR": str(product.etc),
                }
                names.append(f"{name} {kind}")
                jobs.append({"words": words, "environ": environment})
        done = dict(zip(names, batch.run(jobs, tmp_path, parallel=6, limit=_LIMIT)))
    finally:
        guests.close()
    ends = {name: (batch.badly_ended(one), one["err"][-700:]) for name, one in done.items()}
    problems = {name: end for name, end in ends.items() if end[0]}
    assert not problems, "\n".join(f"{name}: {words}" for name, words in problems.items())


def test_there_are_enough() -> None:
    assert len(FILES) * len(INSTEAD) >= 100
    assert len(DOCUMENTS) >= 50


GOOD = json.loads(document({"br0": {}}))


def with_switches(switches: Any) -> str:
    return json.dumps({**GOOD, "switches": switches})


DOCUMENTS: list[str] = [
    "", "\n", "\0", "\udcff\udcfe", "x", "null", "true", "7", "-1", "1e999", "NaN", "Infinity",
    "9" * 5000, '"text"', "[]", "[[]]", "[" * 100_000, "[" * 100_000 + "]" * 100_000,
    '{"a":' * 100_000, "{}", "{", "}", '{"format": 1}', '{"format": 1, "revision": "7"}',
    '{"format": 1, "revision": 7, "switches": {}}',
    '{"format": 2, "revision": "7", "switches": {}}',
    '{"format": null, "revision": "7", "switches": {}}',
    '{"format": [[[]]], "revision": "7", "switches": {}}', document({"br0": {}}) * 2,
    document({"br0": {}})[:-1], "\ufeff" + document({"br0": {}}), "x" * (5 * _MIB),
    *(
        with_switches(switches)
        for switches in cast(Any, (
            None, 7, "br0", [], ["br0"], {"br0": None}, {"br0": []}, {"br0": "x"}, {"br0": 7},
            {"": {}}, {"b" * 16: {}}, {"br0 ": {}}, {"../x": {}}, {"br0\n": {}}, {"\ud800": {}},
            {"br0": {"mtu": None}}, {"br0": {"mtu": 1500}}, {"br0": {"mtu": "x"}},
            {"br0": {"mtu": "9" * 5000}}, {"br0": {"mtu": "\u0661"}}, {"br0": {"uplinks": "+"}},
            {"br0": {"uplinks": "eth0+eth0"}}, {"br0": {"uplinks": "x" * 100_000}},
            {"br0": {"unknown": "1"}}, {"br0": {"trunks": "0"}}, {"br0": {"trunks": "1-99999"}},
            {"br0": {"lacp": "on\n"}}, {"br0": {"bond_mode": "\x1b[31m"}},
        ))
    ),
]  # fmt: skip


def test_hostile_documents(ovs: OpenVSwitch, product: Product, tmp_path: Path) -> None:
    """Each is refused with one line of JSON, and nothing is changed."""
    before = wanted(ovs)
    jobs = [
        {
            "words": [str(product.gnt_ovs), "node-apply", "--json"],
            "environ": {**ovs.environ, "LOCALSTATEDIR": str(tmp_path / f"var{number}")},
            "input": text,
        }
        for number, text in enumerate(DOCUMENTS)
    ]
    for text, done in zip(DOCUMENTS, batch.run(jobs, tmp_path, limit=_LIMIT)):
        what = (text[:200], done)
        assert not batch.badly_ended(done), what
        assert done["code"] == 1, what
        (line,) = done["out"].splitlines()
        answer = json.loads(line)
        assert (answer["applied"], answer["tried"]) == (False, False), what
        assert answer["error"].isprintable(), what
        assert len(answer["error"]) < batch.LONG, what
    assert wanted(ovs) == before
