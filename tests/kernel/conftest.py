"""One machine for the whole tier, and measurements that several tests share."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator

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
        """What the guest's first flow got, bit/s; see `median`."""
        return self.median(job, lambda flow: flow.goodput, low, high, guest)

    def median(
        self,
        job: Job,
        value: Callable[[Measured], float],
        low: float,
        high: float,
        guest: int = 0,
    ) -> float:
        """`value` of the guest's first flow.

        Outside of low..high, it is measured anew and the median of three counts, or at
        last of five: the machine is emulated on a host that has other work, too.
        """
        for count in (1, 3, 5):
            found = statistics.median(
                value(self._nth(job, number).flows[guest][0]) for number in range(count)
            )
            if low <= found <= high:
                break
        return found

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
