"""One machine for the whole tier, and measurements that several tests share."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest

from tests.kernel.job import Job, Measured, Result
from tests.kernel.machine import Machine, MachineError
from tests.testbed.product import Product


class Kernel:
    """The booted machine; a job that was measured once is not measured again."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._results: dict[str, list[Result]] = {}

    def measure(self, job: Job) -> Result:
        """The first result of `job`."""
        return self._nth(job, 0)

    def goodput(self, job: Job, guest: int, low: float, high: float) -> float:
        """What the guest's first flow got, bit/s.

        Outside of low..high bit/s, it is measured twice more and the median counts:
        the machine is emulated on a host that has other work, too.
        """
        first = self._nth(job, 0).flows[guest][0].goodput
        if low <= first <= high:
            return first
        return statistics.median(self._nth(job, n).flows[guest][0].goodput for n in range(3))

    def flow(self, job: Job) -> Measured:
        """The only flow of the job's only guest."""
        return self.measure(job).flows[0][0]

    def _nth(self, job: Job, number: int) -> Result:
        results = self._results.setdefault(job.line(), [])
        while len(results) <= number:
            results.append(self.machine.measure(job))
        return results[number]


@pytest.fixture(scope="session")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The installed kvm-vif-bridge."""
    return str(Product(tmp_path_factory.mktemp("product")).kvm_vif_bridge)


@pytest.fixture(scope="session")
def kernel(script: str) -> Iterator[Kernel]:
    """Booted after the product was installed: the machine's view of the host's /tmp is of then."""
    problem = ""
    try:
        machine = Machine()
    except MachineError as error:
        problem = str(error)
    if problem:
        pytest.fail(f"the kernel tier cannot run: {problem}", pytrace=False)
    try:
        yield Kernel(machine)
    finally:
        machine.close()
