"""A job of Ganeti's from its submission to its end: who wants it knows what came of it, or that
nobody does.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ganeti_ovs.cluster.plain import plain
from ganeti_ovs.model.errors import Error

if TYPE_CHECKING:
    from typing import Any

LIMIT = 300
"""Seconds that a job may wait for its lock before it is cancelled."""
SETTLE = 30
"""Seconds in which a job ends that nobody has heard the end of, or who changes tags is done."""
_AMBIGUOUS = ("TimeoutError", "ConnectionClosedError")
"""Errors of ganeti.rpc.errors after which a question may have been heard all the same."""


class UnfinishedError(Error):
    """The job may still be carried out, or have been."""


def run(cli: Any, constants: Any, client: Any, opcodes: list[Any]) -> None:
    """Submit a job with these opcodes and wait for its end. Raises Error if it was not carried out
    to its end, UnfinishedError if that is not known.

    NOTE: who polls gives up while the job goes on: GenericPollJob in cli.py does not look whether
    CancelJob has cancelled it, which it does not if the job runs, and luxid may be started anew.
    """
    job = _submitted(cli, client, opcodes)
    deadline = time.monotonic() + LIMIT
    try:
        with plain(cli):
            cli.PollJob(
                job,
                cl=client,
                feedback_fn=lambda _message: None,
                cancel_fn=lambda: time.monotonic() > deadline,
            )
    except (Error, OSError) as err:
        status = _end(cli, constants, client, job)
        if status == constants.JOB_STATUS_SUCCESS:
            return
        if status == constants.JOB_STATUS_CANCELED:
            why = f"job {job} waited {LIMIT} s for its lock or was cancelled"
            raise Error(why) from err
        if not status:
            raise UnfinishedError(f"{err}; job {job} may still go on, see gnt-job info") from err
        raise Error(str(err)) from err


def _submitted(cli: Any, client: Any, opcodes: list[Any]) -> int:
    """The job's number."""
    try:
        with plain(cli):
            return int(client.SubmitJob(opcodes))
    except Error as err:
        if type(err.__cause__).__name__ in _AMBIGUOUS:
            raise UnfinishedError(f"{err}; whether Ganeti has a job, gnt-job list shows") from err
        raise


def _end(cli: Any, constants: Any, client: Any, job: int) -> str:
    """The status of a job that has ended, or does so in SETTLE seconds; "": it has not, or nobody
    says.
    """
    deadline = time.monotonic() + SETTLE
    while True:
        with suppress(Error, OSError), plain(cli):
            rows = client.Query(constants.QR_JOB, ["status"], ["=", "id", job]).data
            if rows and rows[0][0][1] in constants.JOBS_FINALIZED:
                return str(rows[0][0][1])
        if time.monotonic() > deadline:
            return ""
        time.sleep(0.2)
