"""What became of a job, with a stand-in for Ganeti's library; tests/cluster has the real one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ganeti_ovs.cluster import jobs
from ganeti_ovs.cluster.jobs import UnfinishedError, run
from ganeti_ovs.model.errors import Error

CONSTANTS = SimpleNamespace(
    QR_JOB="job",
    JOBS_FINALIZED=frozenset({"canceled", "error", "success"}),
    JOB_STATUS_SUCCESS="success",
    JOB_STATUS_CANCELED="canceled",
)


class TimeoutError(Exception):
    """As it is called in ganeti.rpc.errors."""

    __module__ = "ganeti.rpc.errors"


class Failed(Exception):
    __module__ = "ganeti.errors"


class Ganeti:
    """Its command line's library and its client; who polls is told `said`."""

    def __init__(self, *statuses: str, said: Exception | None = None) -> None:
        self.statuses, self.said = [*statuses], said
        self.refused: Exception | None = None

    def SubmitJob(self, _opcodes: list[Any]) -> str:
        if self.refused:
            raise self.refused
        return "7"

    def PollJob(self, job: int, **_more: Any) -> None:
        assert job == 7
        if self.said:
            raise self.said

    def FormatError(self, err: Exception) -> tuple[int, str]:
        return 1, str(err)

    def Query(self, kind: str, _fields: list[str], what: list[Any]) -> Any:
        assert (kind, what) == ("job", ["=", "id", 7])
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == "away":
            raise TimeoutError("luxid is away")
        return SimpleNamespace(data=[[(0, status)]] if status else [])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "SETTLE", 0.5)


def carry_out(ganeti: Ganeti) -> None:
    run(ganeti, CONSTANTS, ganeti, [])


def test_carried_out() -> None:
    carry_out(Ganeti(""))
    # Though who polls has given up: luxid was started anew.
    carry_out(Ganeti("away", "running", "success", said=TimeoutError("no answer")))
    carry_out(Ganeti("success", said=BrokenPipeError("gone")))


def test_not_carried_out() -> None:
    with pytest.raises(Error, match=r"^a hook says no$") as found:
        carry_out(Ganeti("error", said=Failed("a hook says no")))
    assert not isinstance(found.value, UnfinishedError)
    with pytest.raises(Error, match="job 7 waited 300 s for its lock or was cancelled"):
        carry_out(Ganeti("canceling", "canceled", said=Failed("Job was canceled")))
    ganeti = Ganeti("")
    ganeti.refused = Failed("the queue is drained")
    with pytest.raises(Error, match=r"^the queue is drained$") as found:
        carry_out(ganeti)
    assert not isinstance(found.value, UnfinishedError)


@pytest.mark.parametrize("status", ["running", "away", ""])
def test_not_known(status: str) -> None:
    with pytest.raises(UnfinishedError, match=r"^no answer; job 7 may still go on"):
        carry_out(Ganeti(status, said=TimeoutError("no answer")))


def test_perhaps_not_even_submitted() -> None:
    ganeti = Ganeti("")
    ganeti.refused = TimeoutError("no answer")
    with pytest.raises(UnfinishedError, match="whether Ganeti has a job, gnt-job list shows"):
        carry_out(ganeti)
