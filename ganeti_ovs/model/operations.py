"""Operations of a transaction as values (RFC 7047, 5.2); `ganeti_ovs.ovsdb.encode` writes them.

Columns have the values that `ganeti_ovs.model.rows` says; a row that the same transaction
inserts is referred to as Named.
"""

from __future__ import annotations

from ganeti_ovs.model.value import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.rows import Uuid

    Columns = Mapping[str, object]


@frozen
class Where:
    """The rows whose `column` is `value`, or that have it among others."""

    column: str
    value: object
    test: str = "=="
    """Or "includes"."""


def at(uuid: Uuid) -> Where:
    """The row with this UUID."""
    return Where("_uuid", uuid)


@frozen
class Comment:
    """A note in the database's log, seen with `ovsdb-tool show-log -m`."""

    text: str


@frozen
class Assert:
    """Fail ("not owner") unless the connection has this lock."""

    lock: str


@frozen
class Wait:
    """Fail ("timed out"), at once, unless these rows have these columns."""

    table: str
    where: Where
    columns: Columns


@frozen
class Select:
    """Read rows; in all columns if none is named."""

    table: str
    where: Where | None
    """None: all."""
    columns: tuple[str, ...] = ()


@frozen
class Insert:
    """Make a row, which others of this transaction refer to as Named(name)."""

    table: str
    name: str
    columns: Columns


@frozen
class Update:
    """Write columns of rows."""

    table: str
    where: Where | None
    columns: Columns


@frozen
class Mutation:
    """A change of one column."""

    column: str
    mutator: str
    """insert, delete; += for numbers."""
    value: object
    """For insert: a dict, or a frozenset. For delete: a frozenset, for maps that of the keys."""


@frozen
class Mutate:
    """Change what is in columns of rows."""

    table: str
    where: Where | None
    mutations: tuple[Mutation, ...]


@frozen
class Delete:
    """Delete a row; nothing happens if it is gone already."""

    table: str
    uuid: Uuid


Operation = Comment | Assert | Wait | Select | Insert | Update | Mutate | Delete
Operations = list[Operation]
