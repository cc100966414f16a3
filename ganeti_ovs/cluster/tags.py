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


PREFIX = "ovs:"
"""What every tag of ours begins with."""


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
    exact: Settings = {}
    own: Settings = {}
    every: Settings = {}
    for tag in tags.split():
        if not tag.startswith(PREFIX):
            continue
        which, setting, value = parse_tag(tag, owner)
        if which == "*":
            target = every
        elif which == nic.uuid:
            target = exact
        elif nic.is_meant_by(which):
            target = own
        else:
            continue
        if target.setdefault(setting, value) != value:
            raise BadInput(f"{owner} tag {quoted(tag)} contradicts another tag for {setting}")
    return {**own, **exact}, every


def by_index(tags: str) -> bool:
    """True if one of the space-separated `tags` names a NIC by its index."""
    return any(tag[:8] == "ovs:nic:" and tag[8:9].isdigit() for tag in tags.split())


def parts_of(tag: str) -> tuple[str, str, str] | None:
    """(<which>, <setting>, <value>) of a tag with a known setting, unchecked; None for all else."""
    if not tag.startswith(PREFIX):
        return None
    kind, which, setting, text, whole = _split(tag)
    return (which, setting, text) if kind == "nic" and which and whole else None


def _split(tag: str) -> tuple[str, str, str, str, bool]:
    """The parts of a tag of ours, and whether its setting and value are there."""
    kind, _, rest = tag[len(PREFIX) :].partition(":")
    which, _, rest = rest.partition(":")
    setting, colon, text = rest.partition(":")
    return kind, which, setting, text, bool(colon) and setting in PARSERS


def parse_tag(tag: str, owner: str) -> tuple[str, str, Value]:
    """(<which>, <setting>, value) of a tag of ours. Raises BadInput that names the tag."""
    kind, which, setting, text, whole = _split(tag)
    if kind != "nic" or not which or not whole:
        raise BadInput(f"{owner} tag {quoted(tag, 130)} is unknown: {_advice(tag)}")
    if owner == "network" and which != "*":
        raise BadInput(f"network tag {quoted(tag, 130)}: on a network only ovs:nic:*:… is possible")
    try:
        return which, setting, PARSERS[setting](text)
    except BadInput as err:
        raise BadInput(f"{owner} tag {quoted(tag, 130)}: {err}") from err


def _advice(tag: str) -> str:
    """What may have been meant, else how tags are written. Nobody waits for speed here."""
    from difflib import get_close_matches

    parts = tag.split(":", 4)
    if len(parts) == 5 and parts[2]:
        likely = get_close_matches(parts[3].replace("-", "_").lower(), PARSERS, 1)
        if likely and get_close_matches(parts[1], ["nic"], 1):
            return f"did you mean ovs:nic:{parts[2]}:{likely[0]}:{quoted(parts[4], 80)[1:-1]}?"
    return f"write ovs:nic:<index, name, uuid or *>:<{' or '.join(PARSERS)}>:<value>"
