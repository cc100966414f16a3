"""Lines of what is wrong: one each, 120 columns, no command cut."""

from __future__ import annotations

from dataclasses import replace

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cli.problems import in_order, problem_line
from ganeti_ovs.model.fitting import WIDTH
from ganeti_ovs.model.status import Problem, Severity
from tests.unit.statuses import error, warning

WORDS = st.text("abc ", max_size=200)


def plain(where: str, problem: Problem) -> str:
    return click.unstyle(problem_line(where, problem))


def test_all_of_it() -> None:
    assert plain("n1", error()) == "n1: error: br0: it is not; gnt-ovs apply"
    assert plain("n1", warning()) == "n1: warning: br0: eth1 has no link"
    assert plain("n1", error(subject="")) == "n1: error: it is not; gnt-ovs apply"


def test_long_words_are_cut_and_repairs_are_not() -> None:
    line = plain("n1", error(words="x" * 300))
    assert len(line) == WIDTH
    assert line.endswith("xxx...; gnt-ovs apply")
    line = plain("n1", replace(error(), words="x" * 300, repair="gnt-" + "y" * 100))
    assert len(line) == WIDTH
    assert line.endswith("xxx...")


@given(WORDS, WORDS, WORDS)
def test_one_line_of_120(words: str, subject: str, repair: str) -> None:
    line = plain("node1.lab", Problem(Severity.ERROR, "kind", words, subject, repair))
    assert len(line) <= WIDTH
    assert "\n" not in line
    if repair and len(words + subject + repair) < 60:
        assert line.endswith(f"; on node1.lab: {repair}")


RESTART = "systemctl restart openvswitch-switch"


@pytest.mark.parametrize(
    ("repair", "shown"),
    [
        (RESTART, f"on n1.lab: {RESTART}"),
        ("ip link set tap0 up", "on n1.lab: ip link set tap0 up"),
        ("gnt-ovs reconcile", "gnt-ovs apply -n n1.lab"),
        ("gnt-ovs apply", "gnt-ovs apply"),
        ("gnt-instance remove-tags web.lab x", "gnt-instance remove-tags web.lab x"),
    ],
)
def test_where_a_command_is_to_be_typed(repair: str, shown: str) -> None:
    """Who reads it is on the master."""
    problem = replace(error(), repair=repair)
    assert plain("n1.lab", problem) == f"n1.lab: error: br0: it is not; {shown}"
    assert plain("  n1.lab", problem).endswith(f"; {shown}")


def test_on_the_node_itself() -> None:
    def here(repair: str) -> str:
        line = problem_line("n1", replace(error(), repair=repair), here=True)
        return click.unstyle(line).partition("; ")[2]

    assert here(RESTART) == RESTART
    assert here("gnt-ovs reconcile") == "gnt-ovs reconcile"
    assert here("gnt-ovs apply") == "on the master: gnt-ovs apply"


def test_names_of_nodes_are_cut_before_commands_are_left_out() -> None:
    line = plain("node2.cluster.example.com", replace(error(words="x" * 300), repair=RESTART))
    assert len(line) == WIDTH
    assert line.endswith(f"...; on node2: {RESTART}")


def test_errors_first() -> None:
    first, second, third = error(subject="a"), error(subject="b"), warning(subject="a")
    assert in_order([third, second, first]) == [first, second, third]
