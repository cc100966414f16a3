"""The master's journal of what was sent in vain: nobody gets that twice without a command."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.linux.locks import Busy
from ganeti_ovs.master.answers import Answer
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.journal import Journal
from ganeti_ovs.model.document import to_document
from ganeti_ovs.model.vswitch import VSwitch

ONE = to_document([VSwitch("br0")], "1")
TWO = to_document([VSwitch("br0"), VSwitch("br1")], "2")


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


def answered(node: str, error: str = "", *, applied: bool = False, tried: bool = False) -> Outcome:
    return Outcome(node, not error, error, Answer(applied=applied or not error, tried=tried))


def test_who_is_left_alone(here: Runtime) -> None:
    wanted = {f"n{number}": ONE for number in range(1, 6)}
    with Journal(here) as journal:
        journal.begin(wanted)
        journal.end(
            {
                "n1": answered("n1"),
                "n2": answered("n2", "br0: eth0 carries the node's address"),
                "n3": Outcome("n3", False, error="no answer within 60 s"),
                "n4": answered("n4", "cannot be reached any more", applied=True),
                "n5": answered("n5", "ovs-vswitchd refuses eth1", tried=True),
            }
        )
    later = Journal(here)
    # What did no harm may be tried again; what was taken back may not.
    assert {node: later.alone(node, ONE) for node in wanted} == {
        "n1": "", "n2": "", "n3": "", "n4": "cannot be reached any more",
        "n5": "ovs-vswitchd refuses eth1",
    }  # fmt: skip
    assert later.error("n1") == ""
    assert later.error("n2") == "br0: eth0 carries the node's address"
    assert later.alone("n4", TWO) == ""


def test_another_revision_is_another_matter(here: Runtime) -> None:
    """A change there and back, perhaps by another master, makes what is noted here stale."""
    with Journal(here) as journal:
        journal.begin({"n1": ONE})
        journal.end({"n1": answered("n1", "not confirmed", tried=True)})
        assert journal.alone("n1", ONE) == "not confirmed"
        assert journal.alone("n1", to_document([VSwitch("br0")], "99")) == ""


def test_ended_in_between(here: Runtime) -> None:
    """Who has stopped a change that went wrong does not get it again by itself."""
    with Journal(here) as journal:
        journal.begin({"n1": ONE})
    later = Journal(here)
    assert later.alone("n1", ONE) == "the master was ended before the node had answered"


def test_a_node_that_is_another_machine_now(here: Runtime) -> None:
    with Journal(here) as journal:
        journal.begin({"n1": ONE, "n2": ONE})
        journal.forget(["n2", "n9"])
        assert journal.alone("n1", ONE)
        assert not journal.alone("n2", ONE)
    assert Journal(here).alone("n1", ONE)
    assert not Journal(here).alone("n2", ONE)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 99999, '{"n1": 1}', '{"n1": {"document": 1}}']
)
def test_a_broken_file_counts_as_none(text: str, here: Runtime) -> None:
    file = Path(here.lib) / "ganeti-ovs/sent.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with Journal(here) as journal:
        assert journal.alone("n1", ONE) == ""
        journal.begin({"n1": ONE})
    assert Journal(here).alone("n1", ONE)


def test_one_at_a_time(here: Runtime) -> None:
    with Journal(here), pytest.raises(Busy, match="is being carried to the nodes"), Journal(here):
        pass
    with Journal(here):
        pass
