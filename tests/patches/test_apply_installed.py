"""apply-installed on a copy of the installed package, with dpkg itself on top."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.patches.installed import PATCHED, PROGRAM, PYTHON, STOCK_DIVERSION, Installed, State
from tests.testbed.openvswitch import wait_until
from tests.testbed.product import SOURCE

UTILS = "cmdlib/instance_utils.py"


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path / "root")


def contents(state: State) -> dict[str, object]:
    return {name: facts[-1] for name, facts in state.items()}


def test_on_and_off(installed: Installed) -> None:
    stock = installed.state()
    assert "add-switch" not in installed.import_all()
    assert installed.state() == stock, "Python had to compile the package's files"
    assert "files to patch: 6" in installed.run("--dry-run")
    assert installed.state() == stock
    assert "files patched: 6" in installed.run()
    assert "add-switch" in installed.import_all()
    for name in PATCHED:
        file = installed.python / name
        assert file.read_bytes() != Path("/", PYTHON, name).read_bytes()
        assert file.with_name(file.name + ".distrib").read_bytes() == (
            Path("/", PYTHON, name).read_bytes()
        )
        assert file.stat().st_mode == Path("/", PYTHON, name).stat().st_mode
    patched = installed.state()
    assert "patched already" in installed.run()
    assert installed.state() == patched
    assert "files to bring back: 6" in installed.run("--revert", "--dry-run")
    assert installed.state() == patched
    assert "files brought back: 6" in installed.run("--revert")
    assert "add-switch" not in installed.import_all()
    assert installed.state() == stock
    assert "nothing is patched" in installed.run("--revert")
    assert installed.state() == stock
    assert STOCK_DIVERSION in installed.diversions()


def test_a_file_changed_by_hand_stops_all(installed: Installed) -> None:
    with open(installed.python / UTILS, "a") as file:
        file.write("# mine\n")
    before = installed.state()
    said = installed.run(code=1)
    assert f"{UTILS} is not as its package has it" in said
    assert said.count("\n") == 1
    assert installed.state() == before


def test_a_patched_file_changed_by_hand_is_kept(installed: Installed) -> None:
    stock = installed.state()
    installed.run()
    with open(installed.python / UTILS, "a") as file:
        file.write("# mine\n")
    before = installed.state()
    for arguments in ((), ("--revert",)):
        assert f"{UTILS} was changed after it was patched" in installed.run(*arguments, code=1)
        assert installed.state() == before
    (installed.python / UTILS).unlink()
    assert "files patched: 1" in installed.run()
    (installed.python / UTILS).unlink()
    installed.run("--revert")
    assert installed.state() == stock


def test_anothers_diversion_is_not_touched(installed: Installed) -> None:
    name = f"/{PYTHON}/{UTILS}"
    subprocess.run(
        ["dpkg-divert", "--root", installed.root, "--no-rename", "--local", "--add", name],
        check=True, capture_output=True,
    )  # fmt: skip
    before = installed.state()
    assert f"{UTILS} is diverted by the administrator" in installed.run(code=1)
    assert installed.state() == before
    assert "nothing is patched" in installed.run("--revert")
    assert installed.state() == before


def test_what_is_in_the_way_is_not_touched(installed: Installed) -> None:
    (installed.python / f"{UTILS}.distrib").write_text("mine")
    before = installed.state()
    assert f"{UTILS}.distrib is in the way" in installed.run(code=1)
    assert installed.state() == before


@pytest.mark.parametrize("name", PATCHED)
def test_a_failure_on_the_way_is_taken_back(name: str, installed: Installed) -> None:
    """A directory where the new file is to be written: the files before it are patched by then."""
    stock = installed.state()
    obstacle = installed.python / f"{name}.new"
    obstacle.mkdir()
    before = installed.state()
    assert "all was taken back" in installed.run(code=1)
    assert installed.state() == before
    obstacle.rmdir()
    installed.run()
    installed.run("--revert")
    assert installed.state() == stock


def test_a_failure_while_taken_off_is_taken_back(installed: Installed) -> None:
    """A directory with the name of a compiled form."""
    stock = installed.state()
    installed.run()
    obstacle = installed.python / "cmdlib/__pycache__/instance_utils.any.pyc"
    obstacle.mkdir()
    before = installed.state()
    assert "all was taken back" in installed.run("--revert", code=1)
    # The patched files are written anew, so their times are others.
    assert contents(installed.state()) == contents(before)
    obstacle.rmdir()
    assert "patched already" in installed.run()
    installed.run("--revert")
    assert installed.state() == stock


def test_signals_do_not_stop_it_half_way(installed: Installed) -> None:
    stock = installed.state()
    record = installed.root / "var/lib/ganeti-ovs/patched.md5sums"
    first = installed.python / "cmdlib/instance_create.py.distrib"
    for arguments, begun in ((), record.exists), (("--revert",), lambda: not first.exists()):
        process = installed.start(*arguments)
        wait_until(begun, "apply-installed does nothing")
        sent = 0
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            sent += 1
            time.sleep(0.005)
        assert sent > 3
        said = process.communicate()
        assert process.returncode == 0, said
        assert installed.diversions().count("by ganeti-ovs") == (0 if arguments else 6)
    assert installed.state() == stock


def kill(installed: Installed, dice: random.Random, *arguments: str) -> None:
    """Run it, but not to the end."""
    process = installed.start(*arguments)
    time.sleep(dice.uniform(0.03, 0.25))
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_killed_at_any_time(installed: Installed) -> None:
    """No file is ever absent or half written, and the next run puts all right."""
    stock = installed.state()
    installed.run()
    patched = {name: (installed.python / name).read_bytes() for name in PATCHED}
    dice = random.Random(1)
    together: list[int] = []

    def whole() -> None:
        mixed = set()
        for name, data in patched.items():
            found = (installed.python / name).read_bytes()
            assert found in (data, stock[f"{PYTHON}/{name}"][-1])
            mixed.add(found == data)
        if len(mixed) > 1:
            installed.import_all(compiled=False)
            together.append(1)

    for _ in range(15):
        kill(installed, dice, "--revert")
        whole()
        installed.run("--revert")
        assert installed.state() == stock
        kill(installed, dice)
        whole()
        if dice.random() < 0.5:
            installed.run("--revert")
            assert installed.state() == stock
        installed.run()
        assert {name: (installed.python / name).read_bytes() for name in PATCHED} == patched
    assert together, "never killed between two files"


def test_killed_while_the_record_was_written(installed: Installed) -> None:
    stock = installed.state()
    record = installed.root / "var/lib/ganeti-ovs/patched.md5sums.new"
    record.parent.mkdir()
    record.write_text("half of a l")
    assert "nothing is patched" in installed.run("--revert")
    assert installed.state() == stock


def test_upgrade(installed: Installed) -> None:
    """dpkg leaves our files alone; a second run patches the new ones, --revert takes those back."""
    installed.run()
    ours = (installed.python / UTILS).read_bytes()
    change = ("  nics = []\n  for nic in op.nics:", "  nics = [] # new\n  for nic in op.nics:")
    new = installed.package(
        "3.0.2-4", {UTILS: change, "backend.py": ("import os\n", "import os  \n")}
    )
    installed.dpkg("-i", new)
    assert (installed.python / UTILS).read_bytes() == ours
    assert "import os  \n" in (installed.python / "backend.py").read_text()
    # the hunk with the changed line no longer fits
    assert "nic-mode-shorthand.patch does not fit ganeti-3.0 3.0.2-4" in installed.run(code=1)
    assert (installed.python / UTILS).read_bytes() == ours
    newer = installed.package(
        "3.0.2-5",
        {UTILS: ("nics = [] # new", "nics = []"), "cli.py": ("import sys\n", "import sys  \n")},
    )
    installed.dpkg("-i", newer)
    assert "ganeti-3.0 3.0.2-5: files patched: 1" in installed.run()
    assert "add-switch" in installed.import_all()
    text = (installed.python / "cli.py").read_text()
    assert "import sys  \n" in text
    assert "CheckNicTagParameters" in text
    installed.run("--revert")
    assert "import sys  \n" in (installed.python / "cli.py").read_text()
    assert "CheckNicTagParameters" not in (installed.python / "cli.py").read_text()
    assert "ganeti-ovs" not in installed.diversions()
    assert "add-switch" not in installed.import_all()


def test_upgrade_then_revert(installed: Installed) -> None:
    installed.run()
    installed.import_all()
    change = {
        UTILS: ("  nics = []\n  for nic in op.nics:", "  nics = [] # new\n  for nic in op.nics:")
    }
    installed.dpkg("-i", installed.package("3.0.2-4", change))
    installed.run("--revert")
    assert "nics = [] # new" in (installed.python / UTILS).read_text()
    assert not list(installed.python.rglob("*.distrib"))
    assert "add-switch" not in installed.import_all()


def test_package_removed(installed: Installed) -> None:
    """What dpkg leaves of ours goes with --revert."""
    installed.run()
    installed.import_all()
    installed.dpkg("-i", installed.package("3.0.2-4", {}))
    installed.dpkg("--purge", "ganeti-3.0")
    assert (installed.python / UTILS).exists()
    assert "neither ganeti-3.0 nor ganeti-3.1 is installed" in installed.run(code=1)
    installed.run("--revert")
    assert not [path for path in installed.python.rglob("*.py*") if path.name in UTILS]
    assert not list(installed.python.rglob("*.distrib"))
    assert "by ganeti-ovs" not in installed.diversions()


def test_as_make_install_puts_it(installed: Installed, tmp_path: Path) -> None:
    product = tmp_path / "product"
    subprocess.run(
        ["make", "-s", "-C", SOURCE, "install", f"DESTDIR={product}"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    patches = product / "usr/lib/ganeti-ovs/patches"
    for arguments, said in ((), "files patched: 6"), (("--revert",), "files brought back: 6"):
        done = subprocess.run(
            [patches / "apply-installed", "--root", installed.root, *arguments],
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert said in done.stdout
    assert not list(patches.rglob("*.pyc"))


def test_packages_built_with_the_series(installed: Installed) -> None:
    installed.dpkg("-i", installed.package("3.0.2-4+ovs1", {}))
    before = installed.state()
    assert "3.0.2-4+ovs1: built with these patches" in installed.run(code=1)
    assert installed.state() == before


def test_upgrade_to_packages_built_with_the_series(installed: Installed) -> None:
    """dpkg has put their files beside ours; another run puts them in their place."""
    installed.run()
    change = {UTILS: ("import logging\n", "import logging  # built\n")}
    installed.dpkg("-i", installed.package("3.0.2-4+ovs1", change))
    assert "# built" not in (installed.python / UTILS).read_text()
    installed.run()
    assert "# built" in (installed.python / UTILS).read_text()
    assert "by ganeti-ovs" not in installed.diversions()
    assert "built with these patches" in installed.run(code=1)


def test_without_ganeti(tmp_path: Path) -> None:
    """Where nothing is left of Ganeti, there is nothing to bring back."""
    for name in ("usr/share", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").touch()
    done = subprocess.run(
        [PROGRAM, "--root", tmp_path, "--revert"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing is patched\n", "")
