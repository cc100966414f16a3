"""NIC settings that are kept as Ganeti tags: `ovs:nic:<which>:<setting>:<value>`.

<which> is a NIC's index, name or UUID, or `*` for all NICs. On an instance any
of them may stand; on a network only `*`, for all NICs in that network. A NIC
whose name has a colon in it or is all digits is reached by index or UUID.
"""

from __future__ import annotations

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.rate import parse_burst, parse_rate
from ganeti_ovs.model.value import Frozen
from ganeti_ovs.model.vlan import Vlan, parse_port_type, parse_vlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Value = Vlan | str | int
    Settings = dict[str, Value]

PARSERS: dict[str, Callable[[str], Value]] = {
    "vlan": parse_vlan,
    "port_type": parse_port_type,
    "max_bandwidth": parse_rate,
    "max_burst": parse_burst,
}
"""Every setting of a NIC and the function that reads its value."""


class NicKey(Frozen):
    """What a tag's <which> is compared with."""

    index: int
    name: str
    uuid: str

    def is_meant_by(self, which: str) -> bool:
        """True if <which> is this NIC's index, UUID or (unless all digits) name."""
        if which.isdigit():
            return which == str(self.index)
        return which in (self.name, self.uuid)


def nic_settings(tags: str, owner: str, nic: NicKey) -> tuple[Settings, Settings]:
    """What the space-separated `tags` of `owner` ("instance" or "network") say of `nic`.

    Returns the settings meant for this very NIC and those for all NICs. Every
    `ovs:` tag is checked, also those for other NICs: a typing error must not
    wait for the day that the other NIC starts. Raises BadInput that names the
    tag when it is unknown, its value is wrong, or two tags contradict.
    """
    own: Settings = {}
    every: Settings = {}
    for tag in tags.split():
        if not tag.startswith("ovs:"):
            continue
        which, setting, value = _parse(tag, owner)
        if which == "*":
            target = every
        elif nic.is_meant_by(which):
            target = own
        else:
            continue
        if target.setdefault(setting, value) != value:
            raise BadInput(f"{owner} tag {quoted(tag)} contradicts another tag for {setting}")
    return own, every


def by_index(tags: str) -> bool:
    """True if one of the space-separated `tags` names a NIC by its index."""
    return any(tag[:8] == "ovs:nic:" and tag[8:9].isdigit() for tag in tags.split())


def _parse(tag: str, owner: str) -> tuple[str, str, Value]:
    kind, _, rest = tag[len("ovs:") :].partition(":")
    which, _, rest = rest.partition(":")
    setting, colon, text = rest.partition(":")
    if kind != "nic" or not which or not colon or setting not in PARSERS:
        raise BadInput(
            f"{owner} tag {quoted(tag, 130)} is unknown: write ovs:nic:<index, name, uuid or *>:"
            f"<{' or '.join(PARSERS)}>:<value>"
        )
    if owner == "network" and which != "*":
        raise BadInput(f"network tag {quoted(tag, 130)}: on a network only ovs:nic:*:… is possible")
    try:
        return which, setting, PARSERS[setting](text)
    except BadInput as err:
        raise BadInput(f"{owner} tag {quoted(tag, 130)}: {err}") from err
