"""Rows around guests' ports, read at one moment, for what others have hung on them."""

from __future__ import annotations

from ganeti_ovs.model.value import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ganeti_ovs.model.rows import Bridge, Row, Uuid

MIRROR = "Mirror"
REFERENCES = ("select_src_port", "select_dst_port", "output_port")
"""Columns of a Mirror row that refer to ports."""


class Around(Frozen):
    """What was read."""

    mirrors: tuple[Row, ...]
    bridges: tuple[Bridge, ...]
    """With their names and mirrors."""
    rows: Mapping[Uuid, Row]
    """Port and Interface rows, whole; those that have gone are missing."""
