"""What gnt-ovs verify makes of a node's answer."""

from __future__ import annotations

import pytest

from ganeti_ovs import __version__
from ganeti_ovs.cli.verify import _of_group, _of_node
from ganeti_ovs.master.answers import Answer, read_answer
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.rollout import Result


@pytest.mark.parametrize(("kept", "good"), [(True, True), (False, False)])
def test_what_it_would_restore_counts(kept: bool, good: bool) -> None:
    """A node that is right now, and would be something else after its next start, is not right."""
    report = _of_node("rack1", Outcome("n1", True, answer=Answer(kept=kept)))
    assert report.good is good
    assert [*report.errors] == (
        [] if good else ["keeps another description for its next start; gnt-ovs apply"]
    )


def test_a_state_that_is_not_understood() -> None:
    """One of another version's: its node is named, and all others are spoken of as ever."""
    member = {"link": "down", "mtu": 1500, "mtu_request": None, "ofport": 1, "error": None}
    ports = {"e0": {"trunks": [], "members": {"e0": member}}}
    switch: dict[str, object] = {
        "datapath_type": "system",
        "guest_mtu": None,
        "cut": [],
        "ports": ports,
    }
    good = {**switch, "ports": {"e0": {"trunks": [], "members": {
        "e0": {**member, "lacp_current": None}
    }}}}  # fmt: skip
    said = {"kept": True, "version": __version__}
    outcomes = {
        name: Outcome(name, True, answer=read_answer(said | {"state": {"br0": state}}))
        for name, state in (("n1", switch), ("n2", good))
    }
    first, second = _of_group(Result("rack1", True, outcomes, ()), [])
    assert first.errors == (
        "how its vSwitches are is not understood (br0: e0: e0: lacp_current); another version?",
    )
    assert (second.errors, second.warnings) == ((), ("br0: no uplink has a link: e0",))
