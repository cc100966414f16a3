"""Settings that are said to have their default: kept as tags, and only where they can be."""

from __future__ import annotations

import pytest

from ganeti_ovs.cli.switches import _with_default
from ganeti_ovs.cluster.switchtags import Stored, read_tags, switches_for, tags_of
from ganeti_ovs.model.document import digest, from_document, to_document
from ganeti_ovs.model.errors import BadInput

SAID = {"uplinks": "e0", "fail_mode": "standalone", "mtu": "", "trunks": ""}


def test_kept_and_carried() -> None:
    tags = tags_of("br0", SAID)
    assert {"ovs:switch:br0:mtu:", "ovs:switch:br0:fail_mode:standalone"} <= tags
    stored = read_tags(tags, "node group rack1")
    assert stored.switches == {"br0": SAID}
    switches = switches_for(stored, Stored({}), "node n1")
    assert switches[0].cleared == {"fail_mode", "mtu", "trunks"}
    text = to_document(switches, "1")
    assert from_document(text)[0] == switches
    without = to_document(switches_for(Stored({"br0": {"uplinks": "e0"}}), Stored({}), "n1"), "1")
    assert digest(text) != digest(without)
    with pytest.raises(BadInput):
        read_tags({"ovs:switch:br0", "ovs:switch:br0:uplinks:"}, "node group rack1")


@pytest.mark.parametrize(
    ("uplinks", "setting", "said"),
    [
        ("e0", "mtu", ""),
        ("e0", "rstp", "no"),
        ("e0+e1", "lacp", "off"),
        ("e0", "lacp", None),
        ("e0+e1", "lacp_time", None),
    ],
)
def test_only_where_it_can_be(uplinks: str, setting: str, said: str | None) -> None:
    """To reset what is no setting of such a vSwitch changes nothing."""
    found = _with_default("br0", {"uplinks": uplinks}, setting)
    assert found.get(setting) == said
