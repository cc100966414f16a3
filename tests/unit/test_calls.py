"""What node-apply hears: lines and signals, whichever came first."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from ganeti_ovs.node.calls import Calls


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_a_signal_before_the_wait(pipe: tuple[int, int]) -> None:
    """It counts, though the line is there already: read with the one before, or not yet read."""
    reading, writing = pipe
    for first in (b"document\nconfirm\n", b"document\n"):
        with Calls(reading) as calls:
            os.write(writing, first)
            assert calls.line(5, 100) == "document"
            if not first.endswith(b"confirm\n"):
                os.write(writing, b"confirm\n")
            os.kill(os.getpid(), signal.SIGTERM)
            assert calls.line(5, 100) is None


def test_without_a_signal(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, b"document\nconfirm\n")
    with Calls(reading) as calls:
        assert [calls.line(5, 100), calls.line(5, 100)] == ["document", "confirm"]
        started = time.monotonic()
        assert calls.line(0.1, 100) is None
        assert time.monotonic() - started < 5


def test_handlers_are_put_back(pipe: tuple[int, int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Calls(pipe[0]):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
