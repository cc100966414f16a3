"""What stands on the disk of a change: written by one release, read by the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.model.document import digest, sha256
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.operations import Update
from ganeti_ovs.model.rows import Bridge, Tables, Uuid
from ganeti_ovs.node import document, pending
from ganeti_ovs.node.checkpoint import Checkpoint, Device, from_data, to_data
from ganeti_ovs.node.phases import Disk

TEXT = '{"format": 1, "revision": "7", "switches": {"br0": {"mtu": "1500"}}}'
UUID = Uuid("u")
CHECKPOINT = Checkpoint(
    [Update("Bridge", None, {"fail_mode": None})],
    Tables({"Bridge": {UUID: Bridge({"_uuid": UUID, "name": "br\u00fc", "datapath_id": "x"})}}),
    {"br0": (("02:00:00:00:00:01", 5),)},
    (Device("e0", 3, False, 1500, 9000),),
)
BODY = (
    '{"digest":"DIGEST","stamp":[STAMP],"boot":"BOOT","change":{"operations":[{"op":"update",'
    '"table":"Bridge","where":[],"row":{"fail_mode":["set",[]]}}],"before":{"Bridge":{"u":'
    '{"_uuid":["uuid","u"],"name":"br\\u00fc"}}},"stations":{"br0":[["02:00:00:00:00:01",5]]},'
    '"devices":[["e0",3,false,1500,9000]]},"former":["abc","why"]}'
)
"""Of format 1, which a later release must read, too."""


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    found = runtime({"LOCALSTATEDIR": str(tmp_path)})
    document.save(found, TEXT)
    pending.write_end(found, pending.Entry("abc", (), None), Disk.TRIED, "why")
    return found


def body(here: Runtime) -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    stamp = ",".join(map(str, document.stamp(here)))
    return BODY.replace("DIGEST", digest(TEXT)).replace("STAMP", stamp).replace("BOOT", boot)


def path(here: Runtime, name: str) -> Path:
    return Path(here.lib) / "ganeti-ovs" / name


def test_the_form_stays(here: Runtime) -> None:
    entry = pending.new_entry(here, TEXT)
    assert entry.former == ("abc", "why")
    pending.begin(here, entry, to_data(CHECKPOINT))
    assert path(here, "pending.json").read_text() == f"1 {sha256(body(here))}\n{body(here)}\n"
    assert (
        path(here, "tried.json")
        .read_text()
        .startswith(f'{{"format":1,"digest":"{entry.digest}","error":"it was begun, and ')
    )


def test_it_is_read(here: Runtime) -> None:
    path(here, "pending.json").write_text(f"1 {sha256(body(here))}\n{body(here)}\n")
    found = pending.read(here)
    assert found
    assert found.entry == pending.new_entry(here, TEXT)
    assert found.same_boot
    assert not found.entry.kept(here)
    again = from_data(found.checkpoint)
    assert (again.operations, again.devices) == (CHECKPOINT.operations, CHECKPOINT.devices)
    assert again.before == {"Bridge": {"u": Bridge({"_uuid": UUID, "name": "br\u00fc"})}}
    assert again.stations == {"br0": [("02:00:00:00:00:01", 5)]}
    document.save(here, TEXT)
    assert found.entry.kept(here)


@pytest.mark.parametrize("devices", ['["e0"]', "7"])
def test_a_checkpoint_that_is_none(devices: str) -> None:
    data = {**to_data(CHECKPOINT), "devices": [devices]}
    with pytest.raises(Error, match="the change that is pending is broken"):
        from_data(data)


@pytest.mark.parametrize(
    ("what", "tried"),
    [
        (Disk.DONE, None),
        (Disk.FORGOTTEN, ("abc", "why")),
        (Disk.TRIED, (digest(TEXT), "not confirmed")),
    ],
)
def test_the_end(what: Disk, tried: pending.Tried, here: Runtime) -> None:
    entry = pending.new_entry(here, TEXT)
    pending.begin(here, entry, to_data(CHECKPOINT))
    assert pending.exists(here)
    pending.write_end(here, entry, what, "not confirmed")
    assert not pending.exists(here)
    assert pending.tried(here) == tried
