"""The measurements of make bench-distribute, on the master of a real cluster of one node.

Ganeti's configuration gets two further groups, of FEW and of MANY nodes. Prints JSON:
a list of measurements.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.distribute_nodes import stand_in, wait_idle
from ganeti_ovs.model.document import to_document
from ganeti_ovs.model.vswitch import vswitch
from tests.testbed.namespace import run

FEW, MANY = 4, 32
_UPLINKS = ("eth1", "eth2")
CONFIGURATION = Path("/var/lib/ganeti/config.data")
_LIMIT = 120

_SETTINGS = {"uplinks": "+".join(_UPLINKS), "mtu": "1400"}
_OPTIONS = [*(f"--uplink={uplink}" for uplink in _UPLINKS), "--mtu=1400"]
COMMANDS = {
    "add": ["add-switch", "sw0", *_OPTIONS, "--trunks=10,20"],
    "dry run": ["modify-switch", "sw0", "--trunks=10,30", "--dry-run"],
    "modify": ["modify-switch", "sw0", "--trunks=10,30"],
    "nothing to do": ["apply"],
    "remove": ["remove-switch", "sw0"],
}
"""In their order: what is timed, and the gnt-ovs command line without the group."""
ALONE: dict[str, tuple[str, bool]] = {
    "add": ("10+20", False),
    "dry run": ("10+30", True),
    "modify": ("10+30", False),
    "nothing to do": ("10+30", False),
    "remove": ("", False),
}
"""The same for the distribution alone: the trunks that sw0 has (none: no sw0), and the dry run."""


def names(count: int) -> list[str]:
    return [f"n{number}.of{count}.lab" for number in range(count)]


def configure() -> None:
    """Add the groups and nodes to Ganeti's configuration, with its daemons stopped meanwhile.

    Their addresses are this node's own, so that its node daemon answers for all of them when
    the master daemons start and ask who the master is.
    """
    run("/usr/lib/ganeti/daemon-util", "stop-master")
    config = json.loads(CONFIGURATION.read_text())
    (group,), (node,) = config["nodegroups"].values(), config["nodes"].values()
    for number, count in enumerate((FEW, MANY)):
        key = str(uuid.uuid4())
        config["nodegroups"][key] = {**group, "uuid": key, "name": f"of{count}"}
        for last, name in enumerate(names(count), 1):
            address = f"10.78.{number}.{last}"
            run("ip", "address", "add", f"{address}/32", "dev", "lo")
            own = str(uuid.uuid4())
            config["nodes"][own] = {
                **node, "uuid": own, "name": name, "group": key, "master_candidate": False,
                "primary_ip": address, "secondary_ip": address,
            }  # fmt: skip
    config["cluster"]["candidate_pool_size"] = 1
    CONFIGURATION.write_text(json.dumps(config))
    run("/usr/lib/ganeti/daemon-util", "start-master")


def own_time(pid: int) -> float:
    """Seconds of processor time of this process, without those that it has started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def command(what: str, count: int, ssh: Path) -> dict[str, Any]:
    """Run one gnt-ovs command, start to exit."""
    words = ["gnt-ovs", *COMMANDS[what], "-g", f"of{count}"]
    environ = {**os.environ, "PATH": f"{ssh.parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryFile("w+") as said:
        started = time.monotonic()
        process = subprocess.Popen(
            words, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - started
        processor = own_time(process.pid)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >= usage.ru_maxrss:
        raise RuntimeError("what counts as the command's memory is our own from before its exec")
    changed = sum(line.endswith((": changed", ": would be changed")) for line in text.splitlines())
    if process.returncode or text.count("nothing to do") + changed != count:
        raise RuntimeError(f"{' '.join(words)}: exit {process.returncode}: {text}")
    return {
        "wall": wall,
        "processor": processor,
        "peak": usage.ru_maxrss / 1024,
        "changed": changed,
    }


def alone(what: str, count: int, ssh: Path) -> dict[str, Any]:
    """The same without Ganeti: what `distribute` takes."""
    trunks, dry_run = ALONE[what]
    switches = [vswitch("sw0", {**_SETTINGS, "trunks": trunks})] if trunks else []
    nodes = dict.fromkeys(names(count), to_document(switches, "1"))
    done = subprocess.run(
        [sys.executable, "-m", "bench.distribute_alone"],
        input=json.dumps({"ssh": str(ssh), "nodes": nodes, "dry_run": dry_run}),
        capture_output=True,
        text=True,
        timeout=_LIMIT,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    if result.pop("errors"):
        raise RuntimeError(f"{what}, {count} nodes: {done.stdout}")
    return result


def measure(rounds: int, ssh: Path) -> Iterator[dict[str, Any]]:
    """All measurements, both sizes in turns."""
    for number in range(rounds):
        for way in (command, alone):
            for count in (FEW, MANY) if number % 2 else (MANY, FEW):
                for what in COMMANDS:
                    wait_idle()
                    result = way(what, count, ssh)
                    if result["changed"] != (0 if what == "nothing to do" else count):
                        raise RuntimeError(f"{what}, {count} nodes: {result}")
                    yield {"way": way.__name__, "what": what, "nodes": count, **result}


def main() -> int:
    configure()
    with tempfile.TemporaryDirectory() as directory:
        found = list(measure(int(sys.argv[1]), stand_in(Path(directory))))
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
