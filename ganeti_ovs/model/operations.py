"""Operations of a transaction as values (RFC 7047, 5.2); `ganeti_ovs.ovsdb.encode` writes them.

Columns have the values that `ganeti_ovs.model.rows` says; a row that the same transaction
inserts is referred to as Named.
"""

from __future__ import annotations

from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.rows import Uuid

    Columns = Mapping[str, object]


class Where(Frozen):
    """The rows whose `column` is `value`, or that have it among others."""

    column: str
    value: object
    test: str = "=="
    """Or "includes"."""


def at(uuid: Uuid) -> Where:
    """The row with this UUID."""
    return Where("_uuid", uuid)


class Comment(Frozen):
    """A note in the database's log, seen with `ovsdb-tool show-log -m`."""

    text: str


class Assert(Frozen):
    """Fail ("not owner") unless the connection has this lock."""

    lock: str


class Wait(Frozen):
    """Fail ("timed out"), at once, unless these rows have these columns."""

    table: str
    where: Where
    columns: Columns


class Select(Frozen):
    """Read rows; in all columns if none is named."""

    table: str
    where: Where | None
    """None: all."""
    columns: tuple[str, ...] = ()


class Insert(Frozen):
    """Make a row, which others of this transaction refer to as Named(name)."""

    table: str
    name: str
    columns: Columns


class Update(Frozen):
    """Write columns of rows."""

    table: str
    where: Where | None
    columns: Columns


class Mutation(Frozen):
    """A change of one column."""

    column: str
    mutator: str
    """insert, delete; += for numbers."""
    value: object
    """For insert: a dict, or a frozenset. For delete: a frozenset, for maps that of the keys."""


class Mutate(Frozen):
    """Change what is in columns of rows."""

    table: str
    where: Where | None
    mutations: tuple[Mutation, ...]


class Delete(Frozen):
    """Delete a row; nothing happens if it is gone already."""

    table: str
    uuid: Uuid


Operation = Comment | Assert | Wait | Select | Insert | Update | Mutate | Delete
Operations = list[Operation]
