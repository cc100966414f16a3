"""Settings of a NIC stored in Ganeti's configuration, by one who does so at a time.

The lock is this master's: of two who use gnt-ovs for one instance, the second one sees what the
first one has stored. Who uses gnt-instance at the same moment is noticed, as all is read again
afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganeti_ovs.cluster.jobs import UnfinishedError
from ganeti_ovs.cluster.switchtags import TagChange
from ganeti_ovs.linux.locks import Lock
from ganeti_ovs.master.nicchange import NicChange, plan_change, subject
from ganeti_ovs.master.nictelling import LIMIT
from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from collections.abc import Container

    from ganeti_ovs.cluster.instances import Instance, Instances
    from ganeti_ovs.cluster.nictags import Asked
    from ganeti_ovs.cluster.runtime import Runtime

_TRIES = 3
_PATIENCE = LIMIT + 30
"""Seconds that a command waits for another one for the same instance."""


def lock(here: Runtime, instance: str) -> Lock:
    """The lock of who changes NICs of the instance: from before they are read until the node has
    been told, so that it hears of the last change last.
    """
    path = f"{here.run}/ganeti-ovs/modify-nic.{instance}.lock"
    return Lock(path, _PATIENCE, f"another gnt-ovs modify-nic is changing {instance}")


def store(
    ganeti: Instances,
    before: Instance,
    change: NicChange,
    which: str,
    asked: Asked,
    *,
    keep: Container[str] = (),
) -> Instance:
    """Store the change and return the instance as it is then; all that is asked for is in it.

    `before` is what the change was made of, `which` the NIC's UUID or *, `keep` as for
    `plan_change`. Raises Error, and then
    what was stored of it is taken back, or the error says that it is not.
    """
    what = f"modify-nic {subject(before, which)}"
    now, reset = before, False
    for _try in range(_TRIES):
        if change.empty:
            return now
        try:
            ganeti.change_nic(now.name, change.tags, which, change.params, what)
            reset = True
        except Error as err:
            _failed(ganeti, now, change, which, err)
        now = ganeti.instance(now.name)
        change = plan_change(now, which, asked, keep=keep, parameters_reset=reset)
    if change.empty:
        return now
    raise Error(
        f"{subject(now, which)} is being changed by somebody else at the same time; look at gnt-ovs"
        " info-nic and repeat what is missing"
    )


def _failed(ganeti: Instances, before: Instance, change: NicChange, which: str, err: Error) -> None:
    """The job has failed with `err`. Raise it, with the tags as they were before.

    Return if all is done in spite of it, or others have changed something meanwhile: to look anew.
    """
    about = subject(before, which)
    if isinstance(err, UnfinishedError):
        why = "whether it is stored is not known; gnt-ovs info-nic shows it"
        raise Error(f"{about}: {err}; {why}") from err
    try:
        now = ganeti.instance(before.name)
    except Error as worse:
        raise Error(f"{about}: {err}; what of it is stored is not known: {worse}") from err
    if any(_parameter(now, which, one) != _parameter(before, which, one) for one in change.params):
        return
    added = before.tags | {*change.tags.add}
    done = added - {*change.tags.remove}
    if now.tags != before.tags:
        if now.tags not in (added, done) or (now.tags == done and not change.params):
            return
        removed = change.tags.remove if now.tags == done else ()
        back = TagChange(change.tags.add, removed)
        try:
            ganeti.change_nic(before.name, back, which, {}, f"modify-nic {about}, taken back")
        except Error as worse:
            raise Error(
                f"{about}: {err}; its tags are changed all the same, as taking them back failed:"
                f" {worse}; see gnt-ovs info-nic"
            ) from err
    raise Error(f"{about}: {err}; nothing is changed") from err


def _parameter(instance: Instance, uuid: str, name: str) -> str | None:
    """Of a NIC, its own or the cluster's; None if it has gone.

    NOTE: with any change of a NIC, Ganeti copies the cluster's into it.
    """
    own = next((nic.own for nic in instance.nics if nic.said.uuid == uuid), None)
    return None if own is None else own.get(name, instance.defaults.get(name, ""))
