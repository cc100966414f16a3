"""vSwitches as Ganeti tags: `ovs:switch:<name>` and `ovs:switch:<name>:<setting>:<value>`.

The first, on a node group, says that its nodes have the vSwitch; the others, on
the group or (for that node alone, and going before the group's) on a node, are
its settings. People use `gnt-ovs add-switch`, not the tags.

`ovs:revision:<word>` on a group or node names its last change: a change removes the
revision that it has read in the same job, so of two changes at once one fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ganeti_ovs.model.errors import BadInput, quoted
from ganeti_ovs.model.names import interface_name
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.model.vswitch import VSwitch, check_together, vswitch

PREFIX = "ovs:switch:"
REVISION = "ovs:revision:"
MAX_TAG = 128
"""Characters in a tag (Ganeti's MAX_TAG_LEN)."""
MAX_TAGS = 4096
"""Tags of one object (Ganeti's MAX_TAGS_PER_OBJ)."""

Settings = dict[str, str]


@dataclass(frozen=True)
class Stored:
    """What the tags of one group or node say."""

    switches: dict[str, Settings]
    """vSwitch -> setting -> text."""
    revisions: tuple[str, ...] = ()
    """One, or none; more after two first changes at the same moment."""


def read_tags(tags: Iterable[str], owner: str, *, is_node: bool = False) -> Stored:
    """What `tags` of `owner` ("node group rack1", "node n1") say of vSwitches.

    Other tags are not looked at. Raises BadInput that names the tag: unknown,
    wrong value, two values for one setting, settings without their vSwitch.
    """
    present: set[str] = set()
    found: dict[str, Settings] = {}
    revisions: list[str] = []
    for tag in sorted(tags):
        if tag.startswith(REVISION):
            revisions.append(tag[len(REVISION) :])
        if not tag.startswith(PREFIX):
            continue
        try:
            name, setting, text = _parse(tag)
        except BadInput as err:
            raise BadInput(f"tag {quoted(tag, MAX_TAG + 2)} of {owner}: {err}") from err
        settings = found.setdefault(name, {})
        if not setting:
            present.add(name)
        elif setting in settings:
            raise BadInput(
                f"{owner} has two values for {setting} of vSwitch {name}: {settings[setting]} and"
                f" {text}; remove one tag ({PREFIX}{name}:{setting}:…)"
            )
        else:
            settings[setting] = text
    wrong = sorted(present if is_node else found.keys() - present)
    if wrong:
        raise BadInput(
            f"{owner}: tag {PREFIX}{wrong[0]} "
            + ("is for node groups" if is_node else "is missing, but there are settings for it")
        )
    return Stored(found, tuple(revisions))


def torn(tags: Iterable[str]) -> bool:
    """True if a setting has two values, or settings have no revision.

    A job is about to remove one or to add it, or somebody has set tags.
    """
    keys = [tag.split(":", 4)[:4] for tag in tags if tag.startswith(PREFIX)]
    settings = [":".join(key) for key in keys if len(key) > 3]
    revised = any(tag.startswith(REVISION) for tag in tags)
    return len(set(settings)) < len(settings) or (bool(keys) and not revised)


OTHERS = (
    "was changed by somebody else at the same time; look at gnt-ovs info-switch and repeat what is"
    " missing"
)


def change_outcome(
    now: frozenset[str], word: str, revisions: Iterable[str], tags: TagChange, remove: str
) -> str:
    """What has become of a job that was to change `tags` and to replace `revisions` by `word`.

    `now` is what is there when it has ended, `remove` the command that removes tags. In words
    that go on behind the owner's name; empty if all is done, whatever the job's answer was.
    """
    found = {tag[len(REVISION) :] for tag in now if tag.startswith(REVISION)}
    if found - {word} - set(revisions):
        return OTHERS
    if word not in found:
        return "is as it was"
    left = sorted(now & set(tags.remove))
    return f"is changed in part, finish it by {remove} {' '.join(left)}" if left else ""


def _parse(tag: str) -> tuple[str, str, str]:
    name, colon, rest = tag[len(PREFIX) :].partition(":")
    interface_name(name, "the vSwitch's name")
    if not colon:
        return name, "", ""
    setting, colon, text = rest.partition(":")
    if setting not in SETTINGS or not colon:
        raise BadInput(f"unknown; write {PREFIX}<name>:<setting>:<value>")
    if setting == "uplinks" or text != SETTINGS[setting].default_text:
        SETTINGS[setting].parse(text, setting)
    return name, setting, text


def tags_of(name: str, settings: Mapping[str, str], *, is_node: bool = False) -> set[str]:
    """The tags that keep a vSwitch's settings. Raises BadInput when one gets too long."""
    tags = set() if is_node else {f"{PREFIX}{name}"}
    for setting, text in settings.items():
        tag = f"{PREFIX}{name}:{setting}:{text}"
        if len(tag) > MAX_TAG:
            raise BadInput(
                f"vSwitch {name}: {setting} is too long to be kept: {len(tag)} characters as a tag"
                f" of Ganeti's, at most {MAX_TAG}"
            )
        tags.add(tag)
    return tags


@dataclass(frozen=True)
class TagChange:
    """What one job does to one object's tags."""

    remove: tuple[str, ...]
    add: tuple[str, ...]


def tag_change(
    before: Stored, after: Mapping[str, Settings], *, is_node: bool = False
) -> TagChange:
    """The difference between what is kept and what shall be (without the revision)."""
    old: set[str] = set()
    new: set[str] = set()
    for name, settings in before.switches.items():
        old |= tags_of(name, settings, is_node=is_node)
    for name, settings in after.items():
        new |= tags_of(name, settings, is_node=is_node)
    return TagChange(tuple(sorted(old - new)), tuple(sorted(new - old)))


def switches_for(group: Stored, node: Stored, where: str) -> tuple[VSwitch, ...]:
    """The vSwitches that a node shall have, by name: the group's, the node's settings first.

    What the group says of a bond says nothing to a node whose own uplinks are none.
    Settings of the node for a vSwitch that its group does not have (it came from another
    group) do nothing. vSwitches that cannot be together are BadInput; `where` names the node.
    """
    try:
        switches = tuple(
            vswitch(name, _merged(settings, node.switches.get(name, {})))
            for name, settings in sorted(group.switches.items())
        )
        check_together(switches)
    except BadInput as err:
        raise BadInput(f"{where}: {err}") from err
    return switches


def _merged(group: Settings, node: Settings) -> Settings:
    uplinks = node.get("uplinks", group.get("uplinks", "")).split("+")
    if "uplinks" in node and len(uplinks) < 2:
        group = {name: text for name, text in group.items() if not SETTINGS[name].bond_field}
    elif "uplinks" in node and group.get("bond_primary") not in uplinks:
        group = {name: text for name, text in group.items() if name != "bond_primary"}
    return {**group, **node}
