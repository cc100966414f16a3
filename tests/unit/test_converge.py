"""The master asks the nodes what they have, and sends only what they lack.

Shell scripts stand in for ssh and the nodes; tests/cluster has the real ones.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from ganeti_ovs import __version__
from ganeti_ovs.cluster.runtime import Runtime, runtime
from ganeti_ovs.master import ask as module
from ganeti_ovs.master import converge
from ganeti_ovs.master.answers import Answer
from ganeti_ovs.master.ask import Have, ask
from ganeti_ovs.master.converge import bring, lacking
from ganeti_ovs.master.distribute import Outcome
from ganeti_ovs.master.journal import Journal
from ganeti_ovs.model.document import digest, to_document
from ganeti_ovs.model.vswitch import VSwitch

NONE = to_document([], "1")
ONE = to_document([VSwitch("br0")], "1")
TWO = to_document([VSwitch("br0"), VSwitch("br1")], "2")
OLDER = "echo 'Error: No such option: --have' >&2; exit 2"
UNDER_WAY = (
    f'echo \'{{"version": "{__version__}", "have": "{digest(TWO)}", "tried": null,'
    ' "under_way": true}\''
)
FINE = "read d; echo '{\"applied\": true}'; read c; echo '{\"confirmed\": true}'"


def has(text: str | None, tried: str = "", why: str = "") -> str:
    """A node that keeps the document `text`."""
    answer = {
        "version": __version__,
        "have": None if text is None else digest(text),
        "tried": {"digest": digest(tried), "error": why} if tried else None,
    }
    return f"echo {shlex.quote(json.dumps(answer))}"


class Nodes:
    """Node -> (the script that answers the question, the one that takes a document)."""

    def __init__(self, directory: Path, scripts: Mapping[str, str | tuple[str, str]]) -> None:
        self._log = directory / "sent"
        self._log.write_text("")
        self._scripts = scripts

    def reach(self, node: str, command: str) -> list[str]:
        both = self._scripts[node]
        question, taking = (both, FINE) if isinstance(both, str) else both
        if command == "true":
            return ["true"]
        if "--have" in command:
            return ["sh", "-c", question]
        if "--dry-run" not in command:
            taking = f"echo {node} >>{shlex.quote(str(self._log))}; {taking}"
        return ["sh", "-c", taking]

    def sent(self) -> list[str]:
        """Which nodes have got a document since the last call."""
        found = sorted(self._log.read_text().split())
        self._log.write_text("")
        return found


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


def test_only_what_nodes_lack(here: Runtime, tmp_path: Path) -> None:
    """Whatever this master has noted: it may have been no master meanwhile."""
    nodes = Nodes(
        tmp_path,
        {
            "has": has(ONE),
            "other": has(TWO),
            "none": has(None),
            "tried": has(TWO, ONE, "ovs-vswitchd refuses eth1"),
            "tried-other": has(TWO, NONE, "not confirmed"),
            "broken": has(None).replace("null", '""', 1),
            "dead": "exit 255",
            "disk": 'echo \'{"error": "tried.json cannot be read"}\'; exit 1',
        },
    )
    documents = dict.fromkeys(nodes._scripts, ONE)
    unknown = [
        "node dead: whether it has its vSwitches is unknown: no answer (exit code 255)",
        "node disk: whether it has its vSwitches is unknown: tried.json cannot be read",
    ]
    with Journal(here) as journal:
        said = lacking(documents, nodes.reach, journal)
        assert sorted(said) == sorted(
            [
                *(
                    f"node {node} does not have its vSwitches ({why}); gnt-ovs apply"
                    for node, why in (
                        ("broken", "it has others, or none"),
                        ("none", "it has others, or none"),
                        ("other", "it has others, or none"),
                        ("tried", "ovs-vswitchd refuses eth1"),
                        ("tried-other", "it has others, or none"),
                    )
                ),
                *unknown,
            ]
        )
        assert nodes.sent() == []
        assert bring(documents, nodes.reach, journal) == unknown
    assert nodes.sent() == ["broken", "none", "other", "tried-other"]


def test_nothing_kept_is_as_good_as_nothing_wanted(here: Runtime, tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, {"n1": has(None), "n2": has(ONE)})
    with Journal(here) as journal:
        assert bring({"n1": NONE, "n2": NONE}, nodes.reach, journal) == []
    assert nodes.sent() == ["n2"]


def test_another_revision_of_the_same_is_nothing_new(here: Runtime, tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, {"n1": has(to_document([VSwitch("br0")], "99"))})
    with Journal(here) as journal:
        assert bring({"n1": ONE}, nodes.reach, journal) == []
    assert nodes.sent() == []


def test_no_answer_is_not_for_ever(here: Runtime, tmp_path: Path) -> None:
    """What a node that said nothing has tried, it tells when it answers again."""
    silent = "read d; exit 255"
    nodes = Nodes(tmp_path, {"n1": (has(TWO), silent)})
    with Journal(here) as journal:
        assert bring({"n1": ONE}, nodes.reach, journal) == ["n1: no answer (exit code 255)"]
        assert nodes.sent() == ["n1"]
        later = Nodes(tmp_path, {"n1": has(TWO, ONE, "it was begun")})
        assert bring({"n1": ONE}, later.reach, journal) == []
        assert later.sent() == []
        assert lacking({"n1": ONE}, later.reach, journal) == [
            "node n1 does not have its vSwitches (it was begun); gnt-ovs apply"
        ]
        # Or that it has tried nothing.
        later = Nodes(tmp_path, {"n1": has(TWO)})
        assert bring({"n1": ONE}, later.reach, journal) == []
        assert later.sent() == ["n1"]


def test_who_is_left_alone_by_the_masters_record(here: Runtime, tmp_path: Path) -> None:
    """A change that was stopped is not carried on by itself, unless the node has it."""
    nodes = Nodes(tmp_path, {"n1": has(TWO), "n2": has(ONE)})
    documents = {"n1": ONE, "n2": ONE}
    with Journal(here) as journal:
        journal.begin(documents)
    with Journal(here) as journal:
        assert bring(documents, nodes.reach, journal) == []
        assert nodes.sent() == []
        assert lacking(documents, nodes.reach, journal) == [
            "node n1 does not have its vSwitches"
            " (the master was ended before the node had answered); gnt-ovs apply"
        ]


@pytest.mark.parametrize(
    ("kept", "gets"), [("true", []), ("false", ["n1"]), ("null", []), ("1", [])]
)
def test_an_older_node(kept: str, gets: list[str], here: Runtime, tmp_path: Path) -> None:
    """It says at least whether it keeps this very document."""
    would = f'read d; echo \'{{"applied": false, "kept": {kept}}}\''
    taking = f"if [ $# = 1 ]; then {would}; else {FINE}; fi"

    class Older(Nodes):
        def reach(self, node: str, command: str) -> list[str]:
            argv = super().reach(node, command)
            return [*argv, "sh", "dry"] if "--dry-run" in command else argv

    nodes = Older(tmp_path, {"n1": (OLDER, taking)})
    with Journal(here) as journal:
        said = bring({"n1": ONE}, nodes.reach, journal)
        assert said[0] == "node n1 has an older ganeti-ovs, which does not say what it has tried"
        assert ("unknown" in said[-1]) == (kept not in ("true", "false"))
        assert nodes.sent() == gets
        if gets:
            journal.begin({"n1": ONE})
            journal.end({"n1": Outcome("n1", False, error="late", answer=Answer(applied=True))})
            bring({"n1": ONE}, nodes.reach, journal)
            assert nodes.sent() == []


@pytest.mark.parametrize(
    "said", ["[]", "{}", '{"have": 1}', '{"have": [], "tried": 1}', "{", "Welcome"]
)
def test_what_answers_is_something_else(said: str) -> None:
    (found,) = ask(["n1"], lambda _node, _command: ["echo", said]).values()
    assert found.unknown
    assert "\n" not in found.unknown


def test_a_later_version() -> None:
    (found,) = ask(["n1"], lambda _n, _c: ["echo", '{"format": 3, "have": "x"}']).values()
    assert found == Have(unknown="speaks format 3 of another version of ganeti-ovs; update it")


def test_a_node_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.3)
    found = ask(["n1"], lambda _node, _command: ["sleep", "60"])
    assert found == {"n1": Have(unknown="no answer within 0.3 s")}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (has(ONE), []),
        (
            has(TWO, ONE, "not confirmed within 30 s"),
            ["node n1 does not have its vSwitches (not confirmed within 30 s); gnt-ovs apply"],
        ),
        (
            UNDER_WAY,
            [
                "node n1: a change of its vSwitches has been under way for more than 0.5 s, whether"
                " it has them is unknown"
            ],
        ),
    ],
    ids=["kept", "taken back", "hangs"],
)
def test_a_change_that_is_under_way(
    after: str,
    said: list[str],
    here: Runtime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Is no fault as such, and nothing is sent to its node meanwhile."""
    first = tmp_path / "first"
    script = f"if [ -e {first} ]; then rm {first}; {UNDER_WAY}; else {after}; fi"
    nodes = Nodes(tmp_path, {"n1": script, "n2": has(TWO)})
    documents = {"n1": ONE, "n2": ONE}
    monkeypatch.setattr(converge, "UNDER_WAY", 0.5)
    monkeypatch.setattr(converge, "_AGAIN", 0.01)
    with Journal(here) as journal:
        first.touch()
        assert bring(documents, nodes.reach, journal) == []
        assert nodes.sent() == ["n2"]
        first.touch()
        other = "node n2 does not have its vSwitches (it has others, or none); gnt-ovs apply"
        assert sorted(lacking(documents, nodes.reach, journal)) == sorted([*said, other])
        assert not first.exists()
        # Unless it has what it is to have already.
        nodes = Nodes(tmp_path, {"n1": UNDER_WAY})
        assert lacking({"n1": TWO}, nodes.reach, journal) == []
