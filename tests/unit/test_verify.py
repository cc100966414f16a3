"""What gnt-ovs verify makes of a node's answer."""

from __future__ import annotations

import pytest

from ganeti_ovs.cli.verify import _of_node
from ganeti_ovs.master.distribute import Outcome


@pytest.mark.parametrize(("kept", "good"), [(True, True), (False, False)])
def test_what_it_would_restore_counts(kept: bool, good: bool) -> None:
    """A node that is right now, and would be something else after its next start, is not right."""
    report = _of_node("rack1", Outcome("n1", True, answer={"kept": kept, "state": {}}))
    assert report.good is good
    assert [*report.errors] == (
        [] if good else ["keeps another description for its next start; gnt-ovs apply"]
    )
