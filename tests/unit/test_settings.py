"""The table of a vSwitch's settings, and all that is made from it or says the same in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from click import Context
from click.testing import CliRunner

from ganeti_ovs.cli.main import commands
from ganeti_ovs.cli.switchlist import FIELDS, Kept, shown_values
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.settings import SETTINGS, text_of
from ganeti_ovs.model.vswitch import VSwitch, vswitch
from ganeti_ovs.plan.columns import bridge_columns, interface_columns, port_columns

DOCS = Path(__file__).parents[2] / "docs"


def option(setting: str) -> str:
    return "--uplink" if setting == "uplinks" else "--" + setting.replace("_", "-")


@pytest.mark.parametrize("setting", SETTINGS)
def test_everywhere(setting: str) -> None:
    """Options, fields, the man page and the page of vSwitches have every setting."""
    manual = (DOCS / "gnt-ovs.8").read_text().replace("\\-", "-")
    assert option(setting) in manual
    assert setting in manual.split("Fields:\n")[1].split(".SS")[0].split()
    assert f"`{setting}`" in (DOCS / "vswitches.md").read_text()
    assert setting in FIELDS
    for command in ("add-switch", "modify-switch"):
        text = " ".join(CliRunner().invoke(commands, [command, "--help"]).output.split())
        assert f"{option(setting)} " in text
        assert SETTINGS[setting].help in text


def test_help_of_the_list_names_the_fields() -> None:
    text = " ".join(CliRunner().invoke(commands, ["list-switches", "--help"]).output.split())
    assert f"Fields: {' '.join(FIELDS)}." in text
    manual = (DOCS / "gnt-ovs.8").read_text()
    assert " ".join(FIELDS) in " ".join(manual.split())


@pytest.mark.parametrize("name", SETTINGS)
def test_defaults_are_read_back(name: str) -> None:
    """A default that can be written as text is what its own parser makes of it."""
    one = SETTINGS[name]
    if one.default not in (None, "", ()):
        assert one.parse(text_of(one.default), one.name) == one.default
    with pytest.raises(BadInput, match=one.name):
        one.parse("\N{BULLET}", one.name)


@pytest.mark.parametrize("option", ["--uplink", "--add-uplink", "--remove-uplink"])
def test_devices_joined_by_commas(option: str) -> None:
    command = commands.get_command(Context(commands), "modify-switch")
    assert command is not None
    given = ["br0", option, "eth1,eth2", option, "eth3"]
    params = command.make_context("modify-switch", given).params
    name = "uplinks" if option == "--uplink" else option[2:].replace("-", "_")
    assert params[name] == ("eth1", "eth2", "eth3")
    assert command.make_context("modify-switch", ["br0"]).params[name] == ()


@pytest.mark.parametrize(
    ("text", "vids"),
    [("10", (10,)), ("20+10", (10, 20)), ("10-12+5", (5, 10, 11, 12)), ("4093-4094", (4093, 4094))],
)
def test_trunks(text: str, vids: tuple[int, ...]) -> None:
    assert SETTINGS["trunks"].parse(text, "trunks") == vids


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10:20", "; did you mean 10,20?"),
        (":10:20-30", "; did you mean 10,20-30?"),
        ("30-20+5", "trunks: range 30-20 does not ascend; did you mean 20-30,5?"),
        ("10..20", "; did you mean 10-20?"),
        ("10-20+15", "trunks: VLAN 15 stands there twice"),
        ("x", "trunks: VLAN ID 'x' is no number"),
        ("0-5", "trunks: VLAN ID 0 is not in 1-4094"),
    ],
)
def test_wrong_trunks(text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        SETTINGS["trunks"].parse(text, "trunks")
    assert str(caught.value).endswith(words)
    assert str(caught.value).startswith("trunks: ")


def test_every_setting_has_its_column() -> None:
    switch = VSwitch("br0")
    columns = [*bridge_columns(switch), *port_columns(switch), *interface_columns(switch)]
    assert {one.setting for one in columns} == {*SETTINGS} - {"uplinks"}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (
            {},
            "br0 rack1 - - - - - - - - - - all - system standalone no no 2 -",
        ),
        (
            {"uplinks": "eth0", "trunks": "10+20-30", "mtu": "9000", "rstp": "yes"},
            "br0 rack1 eth0 - - - - - - - - - 10,20-30 9000 system standalone yes no 2 -",
        ),
        (
            {"uplinks": "eth1+eth2", "mcast_snooping": "yes"},
            "br0 rack1 eth1,eth2 bond-br0 active-backup off - - 0 0 - - all - system standalone"
            " no yes 2 -",
        ),
        (
            {"uplinks": "eth1+eth2", "bond_mode": "balance-tcp", "lacp": "active",
             "bond_rebalance_interval": "0", "bond_updelay": "5"},
            "br0 rack1 eth1,eth2 bond-br0 balance-tcp active slow no 5 0 - 0 all - system"
            " standalone no no 2 -",
        ),
    ],
)  # fmt: skip
def test_list(settings: dict[str, str], wanted: str) -> None:
    kept = Kept(vswitch("br0", settings), "rack1", ("n1", "n2"), {})
    assert shown_values(kept) == dict(zip(FIELDS, wanted.split(), strict=True))
