"""Documents to nodes: what the master makes of nodes that answer, fail, hang or vanish.

Shell scripts stand in for ssh and the node here, for faults that a real one does not
have on demand; tests/cluster has the real ones.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from ganeti_ovs.master import distribute as module
from ganeti_ovs.master.distribute import Outcome, distribute
from tests.testbed.openvswitch import wait_until

APPLIED = json.dumps({"applied": True, "changes": ["br0: made"], "warnings": ["slow"]})


def run(script: str, *, again: str = "true", document: str = "{}") -> Outcome:
    """Distribute to one node that is a shell script; `again` answers the second connection."""

    def reach(_node: str, command: str) -> list[str]:
        return ["sh", "-c", again if command == "true" else script]

    return distribute({"n1": document}, reach)["n1"]


def test_confirmed(tmp_path: Path) -> None:
    file = shlex.quote(str(tmp_path / "said"))
    script = (
        f"read d; echo '{APPLIED}'; read c; echo \"$d $c\" >{file}; echo '{{\"confirmed\":true}}'"
    )
    outcome = run(script, document='{"x": 1}')
    assert (outcome.done, outcome.error, outcome.words) == (True, "", ("br0: made",))
    assert outcome.answer.warnings == ("slow",)
    assert (tmp_path / "said").read_text() == '{"x": 1} confirm\n'


def test_nothing_to_do_is_not_asked_twice(tmp_path: Path) -> None:
    """But the node is given the time to keep its document."""
    file = tmp_path / "said"
    answer = json.dumps({"applied": True, "changes": [], "warnings": []})
    script = (
        f"read d; echo '{answer}'; read c; sleep 0.3; echo \"$c\" >{shlex.quote(str(file))};"
        " echo '{\"confirmed\":true}'"
    )
    outcome = run(script, again="exit 1")
    assert (outcome.done, outcome.words) == (True, ())
    assert file.read_text() == "confirm\n"


def test_a_node_that_cannot_be_reached_any_more(tmp_path: Path) -> None:
    """It hears no confirmation, so it takes the change back."""
    said = tmp_path / "said"
    # In a session of its own, as the master ends the rest.
    ready = tmp_path / "ready"
    listen = f'touch {ready}; read c <&3; echo "<$c>" >{said}.new; mv {said}.new {said}'
    script = f"read d; exec 3<&0; setsid sh -c '{listen}' >/dev/null 2>&1 &"
    script += f" until [ -e {ready} ]; do sleep 0.01; done;"
    outcome = run(f"{script} echo '{APPLIED}'; wait", again="exit 255")
    assert not outcome.done
    assert outcome.error == "cannot be reached any more; it takes the change back within 30 s"
    wait_until(said.exists, "what the node heard")
    assert said.read_text() == "<>\n"


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (
            'echo \'{"confirmed": false, "error": "disk full"}\'; exit 1',
            "did not keep the change: disk full",
        ),
        (
            "exit 1",
            "was told to keep the change, but did not say that it has: no answer (exit code 1)",
        ),
    ],
)
def test_a_node_that_does_not_keep_it(last: str, error: str) -> None:
    outcome = run(f"read d; echo '{APPLIED}'; read c; {last}")
    assert not outcome.done
    assert outcome.error == error


def test_a_node_that_refuses() -> None:
    answer = json.dumps({"applied": False, "error": "br0: eth0 carries an address"})
    assert run(f"read d; echo '{answer}'; exit 1").error == "br0: eth0 carries an address"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("echo 'gnt-ovs: not found' >&2; exit 127", "gnt-ovs: not found"),
        ("exit 255", "no answer (exit code 255)"),
        ("read d; echo Welcome; sleep 9", "what answers is not gnt-ovs: 'Welcome'"),
        ("printf 'a\\033[31m\\n' >&2; exit 1", "a\\x1b[31m"),
    ],
)
def test_no_answer(script: str, error: str) -> None:
    assert run(script).error == error


def answers(answer: object, last: object = None) -> str:
    """A node that says this of the document, and that of the confirmation."""
    words = [f"echo {shlex.quote(json.dumps(one))}" for one in (answer, last)]
    return f"read d; {words[0]}; read c; {words[1]}"


def test_a_node_of_this_version() -> None:
    made = {"kind": "made", "switch": "br0"}
    said = {"format": 2, "applied": True, "changes": ["in words"], "differences": [made]}
    outcome = run(answers(said, {"format": 2, "confirmed": True}))
    assert (outcome.done, outcome.words) == (True, ("br0: made",))


def test_a_node_of_a_later_version(tmp_path: Path) -> None:
    """It is named and hears no confirmation; what it has is not guessed."""
    said = {"format": 3, "applied": True, "changes": {"br0": "made"}}
    heard = tmp_path / "heard"
    outcome = run(f"{answers(said)}; touch {shlex.quote(str(heard))}")
    assert (outcome.done, outcome.words) == (False, ())
    assert outcome.error == "speaks format 3 of another version of ganeti-ovs; update it"
    assert not heard.exists()
    later = run(answers(json.loads(APPLIED), {"format": 3, "kept": "yes"}))
    assert later.error == (
        "was told to keep the change, but did not say that it has: speaks format 3 of another"
        " version of ganeti-ovs; update it"
    )


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('{"changes": 7}', "its answer is not understood: changes that are no list"),
        ('{"changes": [{}]}', "its answer is not understood: changes that are no text"),
        ('{"format": 2, "differences": [{}]}', "its answer is not understood: a change of unknown"),
        ('{"changes": ' + "[" * 100_000, "RecursionError: "),
        ('{"changes"', "JSONDecodeError: "),
    ],
)
def test_a_strange_answer_hides_no_other(said: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(f"{said}\n")
    fine = answers(json.loads(APPLIED), {"confirmed": True})
    scripts = {"odd": f"read d; cat {tmp_path}/said; read c", "n1": fine, "n2": fine}
    found = distribute(
        dict.fromkeys(scripts, "{}"),
        lambda node, command: ["sh", "-c", "true" if command == "true" else scripts[node]],
    )
    assert found["odd"].error.startswith(error)
    assert [outcome.done for outcome in found.values()] == [True, True, False]


def test_a_node_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.3)
    # If it were not ended, it would end by itself, and with other words.
    assert run("read d; sleep 60").error == "no answer within 0.3 s"


def test_no_ssh() -> None:
    outcome = distribute({"n1": "{}"}, lambda _node, _command: ["/nowhere/ssh"])["n1"]
    assert not outcome.done
    assert "/nowhere/ssh" in outcome.error


def test_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow node keeps the others from nothing, and each is told of when it has ended.

    The slow one answers only when it is told that all others have ended.
    """
    monkeypatch.setattr(module, "LIMIT", 20.0)
    ended: list[str] = []
    others = tmp_path / "others"

    def told(outcome: Outcome) -> None:
        ended.append(outcome.node)
        if len(ended) == 20:
            others.touch()

    def reach(node: str, _command: str) -> list[str]:
        wait = f"until [ -e {others} ]; do sleep 0.01; done;" if node == "slow" else ""
        last = "echo '{\"confirmed\": true}'"
        return ["sh", "-c", f"read d; {wait} echo '{{\"applied\": true}}'; read c; {last}"]

    names = ["slow", *(f"n{number}" for number in range(20))]
    found = distribute(dict.fromkeys(names, "{}"), reach, told=told)
    assert list(found) == sorted(names)
    assert all(outcome.done for outcome in found.values())
    assert ended[-1] == "slow"
