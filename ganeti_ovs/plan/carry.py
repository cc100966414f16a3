"""What others have hung on a guest's port, carried over to the port that takes its place.

Mirrors refer to the Port row, and the rows have columns that an administrator has set. Both
would go with the rows when a NIC's port is made anew.
"""

from __future__ import annotations

from ganeti_ovs.model.hanging import MIRROR, REFERENCES
from ganeti_ovs.model.operations import Insert, Mutate, Mutation, Update, at
from ganeti_ovs.model.rows import STATUS, Interface, Named, Port, Uuid
from ganeti_ovs.model.value import Frozen
from ganeti_ovs.plan.port import NO_TREE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ganeti_ovs.model.hanging import Around
    from ganeti_ovs.model.operations import Operation, Operations
    from ganeti_ovs.model.rows import Row

    Columns = Mapping[str, object]

_OURS = STATUS | {
    "name", "interfaces", "type", "options", "ofport", "vlan_mode", "tag", "trunks", "qos",
    "bond_active_slave", "mtu_request", "ingress_policing_rate", "ingress_policing_burst",
}  # fmt: skip
"""Columns of guests' Port and Interface rows that are nobody else's."""
_OUR_KEYS = {
    "external_ids": ("ganeti-", "attached-mac", "iface-id", "iface-status"),
    "other_config": tuple(NO_TREE),
}
"""What our keys in these columns begin with."""


class Use(Frozen):
    """A mirror that refers to a port."""

    mirror: Uuid
    name: str
    column: str
    switch: str
    """The vSwitch that the mirror is of; only ports of that one can be in it."""


class Hanging(Frozen):
    """All that hangs on a port."""

    port: Columns
    interface: Columns
    uses: tuple[Use, ...]

    def only(self, switch: str) -> Hanging:
        """The same without mirrors of other vSwitches, which a port on `switch` cannot be in."""
        return Hanging(
            self.port, self.interface, tuple(one for one in self.uses if one.switch == switch)
        )

    def beyond(self, kept: Hanging | None) -> tuple[str, ...]:
        """What is not `kept`, in words. NOTE: external_ids configure nothing, and daemons that
        mark ports have them on all.
        """
        names = self.words() if kept is None else mirror_names(set(self.uses) - set(kept.uses))
        return tuple(one for one in names if not one.startswith("external_ids:"))

    def words(self) -> tuple[str, ...]:
        """What it is, for people: `mirror span0`, `protected`, `other_config:x`, each once."""
        names = mirror_names(self.uses)
        for columns in (self.port, self.interface):
            for column, value in columns.items():
                if isinstance(value, dict):
                    names += [f"{column}:{key}" for key in value]
                else:
                    names.append(column)
        return tuple(dict.fromkeys(names))


def mirror_names(some: Iterable[Use]) -> list[str]:
    """Each mirror once, in words, in the order of their names."""
    return [f"mirror {name}" for name in sorted({one.name for one in some})]


def set_by_others(row: Row) -> Columns:
    """The columns of a guest's Port or Interface row that somebody else has set.

    NOTE: the default of every column in Open vSwitch's schema is empty, 0 or false.
    """
    found = {name: value for name, value in row.columns.items() if value and name not in _OURS}
    for column, ours in _OUR_KEYS.items():
        others = {
            key: value for key, value in found.pop(column, {}).items() if not key.startswith(ours)
        }
        if others:
            found[column] = others
    return found


def hanging_on(port: Uuid, interface: Uuid, around: Around) -> Hanging:
    """What hangs on a port; where its rows were not read, mirrors alone."""
    rows = around.rows
    of_port = set_by_others(rows[port]) if port in rows else {}
    of_interface = set_by_others(rows[interface]) if interface in rows else {}
    switch = {one: bridge.name for bridge in around.bridges for one in _uuids(bridge, "mirrors")}
    uses = tuple(
        Use(one.uuid, str(one.columns["name"]), column, switch.get(one.uuid, ""))
        for one in around.mirrors
        for column in REFERENCES
        if port in _uuids(one, column)
    )
    return Hanging(of_port, of_interface, uses)


def into(operations: Operations, hanging: Hanging) -> Operations:
    """The operations that attach a NIC (`plan.port.attach`), with what hung on its port."""
    extra = {Port.table: hanging.port, Interface.table: hanging.interface}
    made: Operations = []
    for one in operations:
        if isinstance(one, Insert) and one.table in extra:
            merged = _merged(extra[one.table], one.columns)
            made.append(Insert(one.table, one.name, merged))
            if one.table == Port.table:
                made += refer(hanging.uses, Named(one.name))
        else:
            made.append(one)
    return made


def onto(port: Row, interface: Row, hanging: Hanging) -> Operations:
    """Operations that give it to rows that are there; what these have already stays."""
    operations: Operations = []
    for row, columns in ((port, hanging.port), (interface, hanging.interface)):
        new: dict[str, object] = {}
        for column, value in columns.items():
            has = row.columns.get(column)
            if isinstance(value, dict) and isinstance(has, dict):
                missing = {key: one for key, one in value.items() if key not in has}
                mutation = Mutation(column, "insert", missing)
                operations += [Mutate(row.table, at(row.uuid), (mutation,))] if missing else []
            elif not has:
                new[column] = value
        operations += [Update(row.table, at(row.uuid), new)] if new else []
    return [*operations, *refer(hanging.uses, port.uuid)]


def refer(some: Iterable[Use], port: Uuid | Named) -> Operations:
    """Operations that make mirrors refer to a port."""
    return [_refer(one, port) for one in some]


def _refer(use: Use, port: Uuid | Named) -> Operation:
    references = frozenset({port})
    if use.column == "output_port":
        return Update(MIRROR, at(use.mirror), {use.column: references})
    return Mutate(MIRROR, at(use.mirror), (Mutation(use.column, "insert", references),))


def _merged(others: Columns, ours: Columns) -> Columns:
    """Columns of a new row; ours go before those of others, key by key."""
    merged = {**others, **ours}
    for column, value in others.items():
        own = ours.get(column)
        if isinstance(value, dict) and isinstance(own, dict):
            merged[column] = {**value, **own}
    return merged


def _uuids(row: Row, column: str) -> frozenset[Uuid]:
    """References of a column that is read as it comes: a set of one is its element."""
    value = row.columns[column]
    return frozenset({value}) if isinstance(value, Uuid) else frozenset(value or ())
