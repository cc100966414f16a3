"""The two patches that need no build, alone on both versions; and what they do to VLANs."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.vlan import parse_vlan, port_type_for
from tests.patches.installed import PATCHED, PYTHON, Installed, build
from tests.testbed.product import SOURCE

PATCHES = ("nic-mode-shorthand.patch", "switch-commands.patch")


def source(version: str) -> Path:
    """Debian's source, fetched once."""
    tree = SOURCE / "build/ganeti" / version / "debian"
    subprocess.run([SOURCE / "patches/fetch-source", version, tree], check=True, timeout=700)
    return tree


def by_hand(version: str, directory: Path) -> Path:
    """A copy of what the patches touch, with both applied by patch(1) alone."""
    shutil.copytree(source(version) / "lib", directory / "lib")
    shutil.copytree(source(version) / "man", directory / "man")
    for name in PATCHES:
        own = SOURCE / "patches" / version / name
        said = subprocess.run(
            ["patch", "-d", directory, "-p1", "-F0", "-t", "--no-backup-if-mismatch",
             "-i", own if own.exists() else SOURCE / "patches" / name],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        assert "fuzz" not in said
    return directory / "lib"


@pytest.mark.parametrize("version", ["3.0", "3.1"])
def test_stand_by_themselves_without_fuzz(version: str, tmp_path: Path) -> None:
    lib = by_hand(version, tmp_path)
    for name in PATCHED:
        text = (lib / name).read_text()
        assert text != (source(version) / "lib" / name).read_text()
        compile(text, name, "exec")


def test_both_versions_on_one_node(tmp_path: Path) -> None:
    """As while a cluster is upgraded; with just what patch(1) makes of the source."""
    node = Installed(tmp_path / "root")
    package = tmp_path / "package"
    shutil.copytree(
        source("3.1") / "lib", package / PYTHON.replace("3.0", "3.1"),
        ignore=shutil.ignore_patterns("*.in*"),
    )  # fmt: skip
    node.dpkg("-i", build("ganeti-3.1", "3.1.0~rc2-5", package))
    before = node.state()
    assert "files patched: 12" in node.run()
    lib = by_hand("3.1", tmp_path / "by-hand")
    for name in PATCHED:
        found = (node.root / PYTHON.replace("3.0", "3.1") / name).read_bytes()
        assert found == (lib / name).read_bytes()
    node.run("--revert")
    assert node.state() == before


# Reads [function, arguments...] lists, prints the results, errors as {"error": text}.
_ASK = """
import json, sys
from ganeti import errors
from ganeti.cmdlib import instance_utils
class Cluster:
    def __init__(self, vlan):
        self.vlan = vlan
    def SimpleFillNIC(self, params):
        return {"mode": "bridged", "link": "br0", "vlan": self.vlan, **params}
def ask(params, nicparams, default):
    instance_utils.NormalizeNicMode(3, params, nicparams, Cluster(default))
    return params
result = []
for name, *arguments in json.load(sys.stdin):
    try:
        function = ask if name == "mode" else instance_utils.NormalizeVLAN
        result.append(function(*arguments))
    except errors.OpPrereqError as err:
        assert err.args[1] == errors.ECODE_INVAL
        result.append({"error": err.args[0]})
json.dump(result, sys.stdout)
"""


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    node = Installed(tmp_path_factory.mktemp("patched") / "root")
    node.run()
    return node


def ask(node: Installed, questions: list[list[Any]]) -> list[Any]:
    """What the patched module says, in a Python of its own."""
    answers: list[Any] = json.loads(
        subprocess.run(
            ["/usr/bin/python3", "-B", "-c", _ASK],
            input=json.dumps(questions), env={"PYTHONPATH": str(node.python.parent)}, cwd="/",
            capture_output=True, text=True, check=True, timeout=120,
        ).stdout
    )  # fmt: skip
    return answers


def test_vlans_as_the_product_reads_them(patched: Installed) -> None:
    """Ganeti's check and ours agree on every text, and on what it means."""
    dice = random.Random(6)
    parts = [
        "",
        ".",
        ":",
        "::",
        "0",
        "1",
        "10",
        "0100",
        "4094",
        "4095",
        "00001",
        " ",
        "\n",
        "٣",
        "-1",
    ]
    texts = ["".join(one) for size in range(6) for one in product(".:15x", repeat=size)]
    texts += ["".join(dice.choices(parts, k=dice.randint(1, 8))) for _ in range(20000)]
    wanted: list[Any] = []
    for text in texts:
        try:
            if "-" in text:  # Ranges are read by us alone.
                raise BadInput(text)
            vlan = parse_vlan(text)
            wanted.append([port_type_for(vlan, None), str(vlan)])
        except BadInput:
            wanted.append(None)
    found = ask(patched, [["vlan", text] for text in texts])
    for text, ours, theirs in zip(texts, wanted, found, strict=True):
        if ours is None:
            assert set(theirs) == {"error"}, text
            assert theirs["error"].startswith("Specified VLAN parameter is invalid: ")
            assert "\n" not in theirs["error"]
        else:
            assert theirs == ours, text
    assert sum(one is not None for one in wanted) > 500


OVS = "openvswitch"
ACCESS, TRUNK, HYBRID = ({"mode": mode} for mode in ("access", "trunk", "hybrid"))


@pytest.mark.parametrize(
    ("given", "has", "default", "wanted"),
    [
        ({**ACCESS, "vlan": "100"}, {}, "", {"mode": OVS, "vlan": ".100"}),
        ({**ACCESS, "vlan": ".100"}, {}, "", {"mode": OVS, "vlan": ".100"}),
        (ACCESS, {}, "", {"mode": OVS}),
        (ACCESS, {}, ".5", {"mode": OVS}),
        (ACCESS, {"vlan": ".7"}, "", {"mode": OVS}),
        ({**ACCESS, "vlan": "none"}, {"vlan": ".7"}, ".5", {"mode": OVS, "vlan": ""}),
        ({**ACCESS, "vlan": ""}, {}, ".5", {"mode": OVS, "vlan": ""}),
        ({**ACCESS, "vlan": "default"}, {"vlan": ":7"}, "", {"mode": OVS, "vlan": "default"}),
        ({**TRUNK, "vlan": "100"}, {}, "", {"mode": OVS, "vlan": ":100"}),
        ({**TRUNK, "vlan": "20:10"}, {}, "", {"mode": OVS, "vlan": ":10:20"}),
        ({**TRUNK, "vlan": ":10:20"}, {}, "", {"mode": OVS, "vlan": ":10:20"}),
        (TRUNK, {"vlan": ":10"}, "", {"mode": OVS}),
        ({**HYBRID, "vlan": "2:10:20"}, {}, "", {"mode": OVS, "vlan": ".2:10:20"}),
        ({**HYBRID, "vlan": ".2:10"}, {}, "", {"mode": OVS, "vlan": ".2:10"}),
        ({"vlan": "10:20"}, {"vlan": ":10"}, "", {"vlan": ".10:20"}),
        ({"mode": "bridged", "vlan": "5"}, {}, "", {"mode": "bridged", "vlan": ".5"}),
        ({"mode": OVS, "vlan": "2:20:10"}, {}, "", {"mode": OVS, "vlan": ".2:10:20"}),
        ({"mode": "both", "link": "x"}, {"vlan": "9999"}, "", {"mode": "both", "link": "x"}),
        ({"link": "br1"}, {"vlan": "9999"}, "", {"link": "br1"}),
        ({"vlan": "default"}, {"vlan": "9999"}, "", {"vlan": "default"}),
        ({"vlan": None}, {}, "", {"vlan": None}),
        (
            ACCESS,
            {"vlan": ":10"},
            "",
            "mode=access takes one VLAN (vlan=100) or none, but there is",
        ),
        (HYBRID, {}, "", "(vlan=2:10:20), but there is no vlan"),
        (HYBRID, {}, ".5", "but there is vlan=.5"),
        ({**HYBRID, "vlan": ":10"}, {}, "", "but there is vlan=:10"),
        ({**TRUNK, "vlan": ".2:10"}, {}, "", "but there is vlan=.2:10"),
        (TRUNK, {}, "", "the instance tag ovs:nic:3:port_type:trunk"),
        ({**TRUNK, "vlan": "none"}, {"vlan": ":10"}, "", "ovs:nic:3:port_type:trunk"),
        (ACCESS, {"vlan": "9999"}, "", "invalid: '9999'"),
    ],
)
def test_modes(
    given: dict[str, str], has: dict[str, str], default: str, wanted: Any, patched: Installed
) -> None:
    (found,) = ask(patched, [["mode", given, has, default]])
    if isinstance(wanted, str):
        assert wanted in found["error"]
    else:
        assert found == wanted
        # What is given to Ganeti a second time, as it does for instances created in bulk
        if found.get("vlan") != "default":
            assert ask(patched, [["mode", found, has, default]]) == [found]
