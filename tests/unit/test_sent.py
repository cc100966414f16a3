"""The master's record of what nodes have been sent: each document once, whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ganeti_ovs.cluster.distribute import Outcome
from ganeti_ovs.cluster.document import Busy
from ganeti_ovs.cluster.sent import Sent
from ganeti_ovs.model.document import to_document
from ganeti_ovs.model.vswitch import VSwitch

NONE = to_document([], "1")
ONE = to_document([VSwitch("br0")], "1")
TWO = to_document([VSwitch("br0"), VSwitch("br1")], "2")


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    return {"LOCALSTATEDIR": str(tmp_path)}


def answered(node: str, error: str = "", **answer: bool) -> Outcome:
    return Outcome(node, not error, error=error, answer=answer or {"applied": not error})


def test_once(environ: Mapping[str, str]) -> None:
    wanted = {f"n{number}": ONE for number in range(1, 6)}
    with Sent(environ) as sent:
        assert sent.new_to(wanted) == wanted
        sent.begin(wanted)
        sent.end(
            {
                "n1": answered("n1"),
                "n2": answered("n2", "br0: eth0 carries the node's address", tried=False),
                "n3": Outcome("n3", False, error="no answer within 60 s"),
                "n4": answered("n4", "cannot be reached any more", applied=True),
                "n5": answered("n5", "ovs-vswitchd refuses eth1", tried=True),
            }
        )
    later = Sent(environ)
    # What did no harm may be tried again; what was taken back may not.
    assert later.new_to(wanted) == {"n2": ONE, "n3": ONE}
    assert later.error("n1") == ""
    assert later.error("n2") == "br0: eth0 carries the node's address"
    assert later.error("n4") == "cannot be reached any more"
    assert later.new_to({"n1": TWO, "n4": TWO, "n5": ONE}) == {"n1": TWO, "n4": TWO}


def test_another_revision_of_the_same_is_nothing_new(environ: Mapping[str, str]) -> None:
    with Sent(environ) as sent:
        sent.begin({"n1": ONE})
        sent.end({"n1": answered("n1")})
        assert sent.new_to({"n1": to_document([VSwitch("br0")], "99")}) == {}


def test_ended_in_between(environ: Mapping[str, str]) -> None:
    """Who has stopped a change that went wrong does not get it again by itself."""
    with Sent(environ) as sent:
        sent.begin({"n1": ONE})
    later = Sent(environ)
    assert later.new_to({"n1": ONE}) == {}
    assert later.error("n1") == "the master was ended before the node had answered"


def test_a_node_without_vswitches_is_left_alone_until_it_has_had_some(
    environ: Mapping[str, str],
) -> None:
    with Sent(environ) as sent:
        assert sent.new_to({"n1": NONE}) == {}
        sent.begin({"n1": ONE})
        sent.end({"n1": answered("n1")})
        assert sent.new_to({"n1": NONE}) == {"n1": NONE}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"n1": 1}', '{"n1": {"document": 1}}'])
def test_a_broken_file_counts_as_none(text: str, environ: Mapping[str, str]) -> None:
    file = Path(environ["LOCALSTATEDIR"]) / "lib/ganeti-ovs/sent.json"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with Sent(environ) as sent:
        assert sent.new_to({"n1": ONE}) == {"n1": ONE}
        sent.begin({"n1": ONE})
        sent.end({"n1": answered("n1")})
    assert Sent(environ).new_to({"n1": ONE}) == {}


def test_one_at_a_time(environ: Mapping[str, str]) -> None:
    with Sent(environ), pytest.raises(Busy, match="is being carried to the nodes"), Sent(environ):
        pass
    with Sent(environ):
        pass
