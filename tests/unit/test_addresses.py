"""What the node lives on, as the kernel's answers say it; real ones are in tests/ovs."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest

from ganeti_ovs.linux import addresses
from ganeti_ovs.model.errors import Error

Answer = tuple[dict[int, str], dict[int, int], dict[int, dict[str, None]]]


def said(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> dict[str, str]:
    monkeypatch.setattr(addresses, "_asked", lambda _master: answer)
    return addresses.carries("")


def test_what_is_part_of_a_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {1: "lo", 2: "eth0", 3: "eth1", 4: "bond0", 5: "br0", 6: "tap0"}
    masters = {2: 4, 3: 4, 4: 5, 6: 5}
    found = {5: {"the node's address 10.0.0.1": None, "the default route": None}}
    words = "the node's address 10.0.0.1 and the default route"
    assert said(monkeypatch, (names, masters, found)) == {
        "br0": words,
        **dict.fromkeys(["eth0", "eth1", "bond0", "tap0"], f"{words} (by br0)"),
    }


def test_the_nearest_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {2: "eth0", 4: "bond0", 5: "br0"}
    found = {4: {"a": None}, 5: {"b": None}}
    assert said(monkeypatch, (names, {2: 4, 4: 5}, found)) == {
        "eth0": "a (by bond0)",
        "bond0": "a",
        "br0": "b",
    }


def test_loopback_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch, ({1: "lo"}, {}, {1: {"the node's address 10.0.0.1": None}})) == {}


@pytest.mark.parametrize("masters", [{2: 3, 3: 2}, {2: 2}, {2: 9}])
def test_masters_that_lead_nowhere(
    masters: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A master in another network namespace has a number of that one."""
    assert said(monkeypatch, ({2: "eth0", 3: "eth1"}, masters, {9: {"a": None}})) == {}


def test_time_is_linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps, not seconds: each interface asks once for its master."""

    class Counted(dict[int, int]):
        asked = 0

        def get(self, *key: Any) -> Any:
            Counted.asked += 1
            return super().get(*key)

    names = {index: f"e{index}" for index in range(2, 4002)}
    said(monkeypatch, (names, Counted(), {2: {"a": None}}))
    assert Counted.asked == len(names)


def test_a_kernel_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: Any) -> None:
        time.sleep(1)

    monkeypatch.setattr(addresses, "_ask", never)
    monkeypatch.setattr(addresses, "_LIMIT", 0.05)
    with pytest.raises(Error, match=r"the kernel does not tell .*: silent for 0.05 s"):
        addresses.carries("")


def test_a_kernel_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    pyroute2 = pytest.importorskip("pyroute2")

    def refuses() -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(pyroute2, "IPRoute", refuses)
    with pytest.raises(Error, match=r"the node's addresses: .*Cannot allocate memory") as caught:
        addresses.carries("")
    assert isinstance(caught.value.__cause__, OSError)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    with pytest.raises(Error, match=r"are not known: install python3-pyroute2$"):
        addresses.carries("")


def test_links_that_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dump that was interrupted is made anew."""
    pyroute2 = pytest.importorskip("pyroute2")
    real, rounds = addresses._carried, []

    def interrupted(*arguments: Any) -> Any:
        rounds.append(1)
        if len(rounds) < 3:
            raise pyroute2.NetlinkDumpInterrupted
        return real(*arguments)

    monkeypatch.setattr(addresses, "_carried", interrupted)
    addresses.carries("")
    assert len(rounds) == 3


def test_a_kernel_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it says something, it is waited for."""

    def slow(_master: str, answers: list[Any], heard: Any) -> None:
        for _ in heard.each(range(10)):
            time.sleep(0.02)
        answers.append(({}, {}, {}))

    monkeypatch.setattr(addresses, "_ask", slow)
    monkeypatch.setattr(addresses, "_LIMIT", 0.1)
    assert addresses.carries("") == {}
