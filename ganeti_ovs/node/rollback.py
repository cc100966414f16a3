"""A change of vSwitches rolled back: the rows, and what the kernel has of the devices.

What is said of it is what was seen afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic, sleep

from ganeti_ovs.linux.link import Link
from ganeti_ovs.model.errors import Error
from ganeti_ovs.model.vswitch import VSwitch
from ganeti_ovs.node import transaction
from ganeti_ovs.node.announce import announce
from ganeti_ovs.node.checkpoint import Checkpoint, Device
from ganeti_ovs.node.floods import Blocked
from ganeti_ovs.ovsdb.session import SWITCHES, NotApplied, Session
from ganeti_ovs.ovsdb.switches import read_tables
from ganeti_ovs.plan.compare import left
from ganeti_ovs.plan.undo import undo

_SETTLE = 2.0
"""Seconds in which the devices' MTUs must be as they were: those of a vSwitch's own interface
follow the others', when ovs-vswitchd has noticed."""


@dataclass(frozen=True)
class RolledBack:
    """What became of a change that was to be rolled back."""

    words: str
    """As they continue a line."""
    done: bool
    """True if there was something to put back in the database."""
    left: bool
    """True if something is not as it was before, or ovs-vswitchd has not applied it."""


def devices(wanted: Iterable[VSwitch], mtus: Mapping[str, int]) -> tuple[Device, ...]:
    """The devices that a change to `wanted` sets up, or to these MTUs (bytes), as they are."""
    uplinks = {device: True for switch in wanted for device in switch.uplinks}
    own = {switch.name for switch in wanted}
    found = []
    # A vSwitch's own interface last: it gets the least MTU of all ports.
    for name in sorted({*uplinks, *mtus}, key=lambda one: (one in own, one not in uplinks, one)):
        try:
            link = Link(name)
        except Error:
            continue  # There is none, which the plan says.
        up = link.up or name not in uplinks
        found.append(Device(name, link.index, up, link.mtu, mtus.get(name, 0)))
        link.close()
    return tuple(found)


def roll_back(
    session: Session | None,
    checkpoint: Checkpoint,
    names: Iterable[str] | None = None,
    same_boot: bool = True,
) -> RolledBack:
    """Put back what the change has changed, and look whether all is as it was before.

    The guests of the vSwitches `names` (None: all) are announced. Links that alone were
    changed need no session. Raises Error when the database does not take it; nothing is
    put back then.
    """
    if not checkpoint.operations or session is None:
        return _result("", False, _devices_as_before(checkpoint, same_boot))
    words, done = "", True
    blocked: list[str] = []
    try:
        done = transaction.put_back(session, checkpoint.operations, checkpoint.before)
    except NotApplied:
        words = "; it is put back in the database, which ovs-vswitchd has not applied either"
    except Blocked as err:
        done, blocked = True, [str(err)]
    problems = _devices_as_before(checkpoint, same_boot)
    if done and not words:
        stations = checkpoint.stations
        announce(session, stations if names is None else names, stations)
    rows = left(checkpoint.operations, checkpoint.before, read_tables(session))
    return _result(words, done, [*rows, *problems, *blocked])


def trace(session: Session | None, checkpoint: Checkpoint, same_boot: bool = True) -> bool | None:
    """Whether there is anything of the change to put back. Raises Error.

    False: it was never made. None: there is nothing, but it may have been made, and put
    back already.
    """
    there = any(_differs(device, same_boot) for device in checkpoint.devices)
    if not checkpoint.operations or session is None:
        return there
    tables = read_tables(session)
    if transaction.untouched(checkpoint.before, tables):
        return False
    return bool(undo(checkpoint.operations, checkpoint.before, tables)) or there or None


def roll_back_or_reconnect(
    session: Session, checkpoint: Checkpoint, names: Iterable[str] = ()
) -> tuple[bool, str]:
    """`roll_back` after a failure: is it back, and in words that continue a line.

    Where this session does not work any more, by another one.
    """
    try:
        return True, roll_back(session, checkpoint, names).words
    except Error as err:
        problem = err
    # It may be alive and slow; then it still has the lock.
    session.close()
    try:
        with Session(session.path, SWITCHES, session.limit) as again:
            again.acquire()
            return True, roll_back(again, checkpoint, names).words
    except Error:
        return False, f"; it could not be put back: {problem}"


def _result(words: str, done: bool, problems: list[str]) -> RolledBack:
    if problems:
        words += f"; it is taken back, but not all is as it was before: {', '.join(problems)}"
    return RolledBack(words or "; everything is as it was before", done, bool(words))


def _devices_as_before(checkpoint: Checkpoint, same_boot: bool) -> list[str]:
    """Set the devices back; what is not as it was, in words."""
    deadline = monotonic() + _SETTLE
    while True:
        problems = [words for one in checkpoint.devices for words in _as_before(one, same_boot)]
        if not problems or monotonic() > deadline:
            return problems
        sleep(0.02)


def _differs(device: Device, same_boot: bool) -> bool:
    """Whether `_as_before` would do anything."""
    try:
        link = Link(device.name)
    except Error:
        return False
    try:
        ours = not same_boot or link.index == device.index
        up = same_boot and link.up and not device.up
        return ours and (up or link.mtu == device.new_mtu != device.mtu)
    finally:
        link.close()


def _as_before(device: Device, same_boot: bool) -> Iterator[str]:
    try:
        link = Link(device.name)
    except Error:
        return  # It has gone.
    try:
        # After a reboot, what is up was set up by the node itself.
        down = same_boot and not device.up
        if same_boot and link.index != device.index:
            return  # Another one of that name.
        if down and link.up:
            link.set_down()
        if link.mtu == device.new_mtu != device.mtu:
            link.set_mtu(device.mtu)
        link.close()
        link = Link(device.name)
        if down and link.up:
            yield f"{device.name} is up"
        if device.new_mtu and link.mtu != device.mtu:
            yield f"{device.name} has an MTU of {link.mtu}, not {device.mtu}"
    except Error as err:
        yield str(err)
    finally:
        link.close()
