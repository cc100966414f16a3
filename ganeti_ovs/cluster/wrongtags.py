"""Tags that begin with `ovs:` and say nothing, wherever they stand: all of them, in words.

Who reads tags stops at the first wrong one, when its guest starts; here nobody has to wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ganeti_ovs.cluster.inventory import Instance, Network, why_wrong
from ganeti_ovs.cluster.master import Cluster
from ganeti_ovs.cluster.nictags import by_uuid, option_for
from ganeti_ovs.cluster.switchtags import PREFIX, REVISION
from ganeti_ovs.cluster.tags import PARSERS, NicKey, nic_settings
from ganeti_ovs.model.errors import BadInput
from ganeti_ovs.model.settings import SETTINGS
from ganeti_ovs.model.status import Problem, Severity

_NOBODY = NicKey(-1, "", "")
_NIC = "ovs:nic:"
_FORM = "; write ovs:nic:<index, name, uuid or *>:<setting>:<value>"


def of_instances(instances: Iterable[Instance]) -> Iterator[Problem]:
    """Of instances that run and of those that do not: the latter's next start will be refused."""
    for one in instances:
        subject = f"instance {one.name}"
        remove = f"gnt-instance remove-tags {one.name}"
        wrong = list(_wrong(one.tags, "instance", subject, remove))
        yield from wrong
        if not wrong:
            yield from _together(one, subject)
            yield from _idle(one, subject, remove)


def of_networks(networks: Iterable[Network]) -> Iterator[Problem]:
    """Of networks, whose tags are for all NICs in them."""
    for one in networks:
        remove = f"gnt-network remove-tags {one.name}"
        yield from _wrong(one.tags, "network", f"network {one.name}", remove)


def of_groups(cluster: Cluster) -> Iterator[Problem]:
    """Of node groups and nodes: what `read_tags` passes over, as it is none of its own."""
    owners = [
        *((f"node group {one.name}", f"gnt-group remove-tags {one.name}", one.tags)
          for one in cluster.groups.values()),
        *((f"node {one.name}", f"gnt-node remove-tags {one.name}", one.tags)
          for one in cluster.nodes.values()),
    ]  # fmt: skip
    for subject, remove, tags in sorted(owners):
        for tag in sorted(tags):
            if tag.startswith("ovs:") and not tag.startswith((PREFIX, REVISION)):
                words = f"tag {tag} is unknown{_meant(tag, 'switch', SETTINGS)}"
                yield Problem(Severity.ERROR, "tag", words, subject, f"{remove} {tag}")


def _wrong(tags: Iterable[str], owner: str, subject: str, remove: str) -> Iterator[Problem]:
    for tag in tags:
        try:
            nic_settings(tag, owner, _NOBODY)
        except BadInput as err:
            yield Problem(Severity.ERROR, "tag", _why(tag, err), subject, f"{remove} {tag}")


def _why(tag: str, err: BadInput) -> str:
    if _unknown(tag):
        return f"tag {tag} is unknown{_meant(tag, 'nic', PARSERS) or _FORM}"
    if err.__cause__:
        return f"tag {tag}: {err.__cause__}"
    return f"tag {tag}: on a network only ovs:nic:*:... is possible"


def _together(one: Instance, subject: str) -> Iterator[Problem]:
    """What is wrong only for a certain NIC: tags that contradict each other, or its VLANs."""
    for said in one.ours:
        why = why_wrong(said)
        if why:
            yield Problem(Severity.ERROR, "nic-wrong", f"NIC {said.index}: {why}", subject)


def _idle(one: Instance, subject: str, remove: str) -> Iterator[Problem]:
    """Tags for NICs that the instance does not have."""
    known = {which for said in one.nics for which in (said.index, said.name, said.uuid)}
    for tag in one.tags:
        which = tag.split(":")[2] if tag.startswith(_NIC) else "*"
        if which != "*" and which not in known:
            words = f"tag {tag} is for a NIC that it does not have"
            parts = by_uuid(tag)
            if parts:
                again = f"gnt-ovs modify-nic {one.name} NIC {option_for(*parts[1:])}"
                words = f"no NIC has its UUID; if it was imported: {again}: tag {tag}"
            yield Problem(Severity.WARNING, "tag-idle", words, subject, f"{remove} {tag}")


def _unknown(tag: str) -> bool:
    parts = tag.split(":", 4)
    return len(parts) < 5 or parts[1] != "nic" or not parts[2] or parts[3] not in PARSERS


def _meant(tag: str, kind: str, settings: Iterable[str]) -> str:
    """The words that may have been meant instead of wrong ones; "" if nobody can tell."""
    parts = tag.split(":", 4)
    pairs = [(parts[1], [kind]), *([(parts[3], [*settings])] if len(parts) > 4 else [])]
    close = [get_close_matches(word.replace("-", "_"), known, 1) for word, known in pairs]
    if not all(close):
        return ""
    meant = [one[0] for one, (word, _known) in zip(close, pairs, strict=True) if one[0] != word]
    return f" (did you mean {', '.join(meant)}?)" if meant else ""
