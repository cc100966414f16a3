"""Lines of what is wrong: one each, 120 columns, no command cut."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cli.problems import in_order, problem_line
from ganeti_ovs.model.fitting import WIDTH
from ganeti_ovs.model.status import Problem, Severity
from tests.unit.statuses import error, warning

WORDS = st.text("abc ", max_size=200)


def plain(where: str, problem: Problem) -> str:
    import click

    return click.unstyle(problem_line(where, problem))


def test_all_of_it() -> None:
    assert plain("n1", error()) == "n1: error: br0: it is not; gnt-ovs apply"
    assert plain("n1", warning()) == "n1: warning: br0: eth1 has no link"
    assert plain("n1", error(subject="")) == "n1: error: it is not; gnt-ovs apply"


def test_long_words_are_cut_and_repairs_are_not() -> None:
    line = plain("n1", error(words="x" * 300))
    assert len(line) == WIDTH
    assert line.endswith("xxx...; gnt-ovs apply")
    line = plain("n1", replace(error(), words="x" * 300, repair="y" * 100))
    assert len(line) == WIDTH
    assert line.endswith("xxx...")


@given(WORDS, WORDS, WORDS)
def test_one_line_of_120(words: str, subject: str, repair: str) -> None:
    line = plain("node1.lab", Problem(Severity.ERROR, "kind", words, subject, repair))
    assert len(line) <= WIDTH
    assert "\n" not in line
    if repair and len(words + subject + repair) < 80:
        assert line.endswith(f"; {repair}")


def test_errors_first() -> None:
    first, second, third = error(subject="a"), error(subject="b"), warning(subject="a")
    assert in_order([third, second, first]) == [first, second, third]
