"""What is declared in more than one place is declared alike."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

import ganeti_ovs

ROOT = Path(__file__).parents[2]
CI = (".github/workflows/ci.yml", ".gitlab-ci.yml", ".woodpecker.yml")


@pytest.fixture(scope="module")
def setup() -> ConfigParser:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def test_python(setup: ConfigParser) -> None:
    version = setup["mypy"]["python_version"]
    assert setup["options"]["python_requires"] == f">={version}"
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert tools["ruff"]["target-version"] == f"py{version.replace('.', '')}"
    makefile = (ROOT / "Makefile").read_text()
    assert f"sys.version_info < ({version.replace('.', ', ')})" in makefile
    assert f"is older than Python {version}" in makefile
    assert f"({version} or later)" in (ROOT / "README.md").read_text()


def test_tools_are_pinned(setup: ConfigParser) -> None:
    """Here and nowhere else."""
    tools = setup["options.extras_require"]["test"].split()
    assert all(re.fullmatch(r"[a-z_-]+==[0-9.]+", tool) for tool in tools), tools
    assert "rev:" not in (ROOT / ".pre-commit-config.yaml").read_text()


def test_libraries(setup: ConfigParser) -> None:
    """What setup.cfg requires, the README names as Debian's packages, and the demo installs."""
    debian = {"ovs": "python3-openvswitch"}
    names = [re.split("[<>=]", one)[0] for one in setup["options"]["install_requires"].split()]
    packages = {debian.get(name, f"python3-{name}") for name in names}
    install = (ROOT / "README.md").read_text().partition("## Install")[2]
    assert packages <= set(re.findall("`([^`]*)`", install))
    (needed,) = re.findall(
        r"^NEED_DEMO = (.*?[^\\])$", (ROOT / "Makefile").read_text(), re.DOTALL | re.MULTILINE
    )
    assert packages <= set(needed.split())


def test_version(setup: ConfigParser) -> None:
    assert setup["metadata"]["version"] == "attr: ganeti_ovs.__version__"
    version = ganeti_ovs.__version__
    assert f'"ganeti-ovs {version}"' in (ROOT / "docs/gnt-ovs.8").read_text().splitlines()[0]
    news = re.findall(r"^(\d+\.\d+\.\d+) \(", (ROOT / "NEWS").read_text(), re.MULTILINE)
    assert news[0] == version


@pytest.mark.parametrize("name", CI)
def test_forges_do_the_same(name: str) -> None:
    """As .ci/run, in its order."""
    wanted = re.findall(r"^make ([a-z-]+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    lines = re.findall(r"- (?:run: )?make ([a-z-]+)$", (ROOT / name).read_text(), re.MULTILINE)
    assert lines == wanted
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(wanted) <= {*rules}
