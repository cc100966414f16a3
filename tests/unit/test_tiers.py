"""The summary of several runs of pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiers import Step, main, outcome, plan, summary

GOOD = "..\n============ 3 passed, 7 deselected in 61.04s (0:01:01) ============\n"
SKIPS = "..s\n============ 2 passed, 1 skipped in 61.04s (0:01:01) ============\n"
BAD = (
    "=== short test summary info ===\nFAILED tests/x.py::test_x - assert 1\n"
    "ERROR tests/x.py::test_y\n== \x1b[31m\x1b[1m1 failed\x1b[0m, 2 passed, 1 error in 0.1s ==\n"
)


def test_all_is_summed_up() -> None:
    runs = [outcome("one", 0, GOOD), outcome("two", 1, BAD), outcome("three", 2, "no tools\n")]
    assert [run.good for run in runs] == [True, False, False]
    _head, *lines, last = summary(runs, 65.25)
    assert lines == [
        "3 passed, 7 deselected in 0s: one",
        "1 failed, 1 errors, 2 passed in 0s: two",
        "FAILED tests/x.py::test_x - assert 1",
        "ERROR tests/x.py::test_y",
        "ended with 1",
        "no tests ran in 0s: three",
        "ended with 2",
    ]
    assert last.strip("= ") == ("1 failed, 2 errors, 5 passed, 7 deselected in 65.25s (00:01:05)")


def test_a_skip_is_no_pass() -> None:
    run = outcome("one", 0, SKIPS)
    assert not run.good
    assert "skipped tests have shown nothing: see why with -rs" in summary([run], 1)


def test_a_quiet_run_counts_too() -> None:
    assert outcome("-q", 0, "801 passed in 38.11s\n").counts == {"passed": 801}


def test_what_runs_when() -> None:
    words = [
        "a",
        "b",
        "with",
        "c",
        "then",
        "d",
        "then",
        "e",
        "with",
        "f",
        "with",
        "g",
        "next",
        "h",
        "i",
        "then",
        "j",
    ]
    assert plan(words) == [
        Step([["a", "b"], ["c"]], []),
        Step([["d"]], []),
        Step([["e"], ["f"], ["g"]], ["h", "i"]),
        Step([["j"]], []),
    ]


def test_the_free_lane_takes_the_next(tmp_path: Path) -> None:
    """While the other one is still at its own; and each command runs once."""
    note = f"echo {{0}} >>{tmp_path}/done; echo 1 passed in 1s"
    wait = f"for i in $(seq 500); do [ -e {tmp_path}/go ] && break; sleep 0.01; done; "
    words = [wait + note.format("slow"), "with", note.format("quick"), "next"]
    words += [note.format("first"), f"touch {tmp_path}/go; " + note.format("second")]
    assert main([*words, "then", note.format("last")]) == 0
    done = (tmp_path / "done").read_text().split()
    assert done[:2] == ["quick", "first"]
    assert sorted(done[2:4]) == ["second", "slow"]
    assert done[4:] == ["last"]


@pytest.mark.parametrize(
    ("code", "second", "passed"),
    [
        (0, "echo 2 passed in 1s", 7),
        (1, "echo 2 passed in 1s; exit 1", 7),
        (1, "true", 5),
    ],
)
def test_one_that_fails_is_enough(
    code: int, second: str, passed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["echo 1 passed in 1s", "with", second, "then", "echo 4 passed in 1s"]
    assert main(words) == code
    assert capfd.readouterr().out.splitlines()[-1].count(f"{passed} passed in ") == 1


def test_those_that_run_at_once_do_not_mix(capfd: pytest.CaptureFixture[str]) -> None:
    talk = "for i in 1 2 3 4; do echo {0}; sleep 0.05; done; echo 1 passed in 0.1s"
    assert main([talk.format("x"), "with", talk.format("y")]) == 0
    lines = [line for line in capfd.readouterr().out.splitlines() if line in ("x", "y")]
    assert lines in (["x"] * 4 + ["y"] * 4, ["y"] * 4 + ["x"] * 4)
