"""The program of the emulated machine: one job per line in, one result per line out.

It ends, and the machine with it, when its standard input does.
"""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import time
import traceback
from pathlib import Path

from tests.kernel.guest import product
from tests.kernel.guest.network import TAP_GUEST, Network, mac, port
from tests.kernel.guest.switch import BRIDGE, Switch
from tests.kernel.guest.system import processor_times, run
from tests.kernel.guest.traffic import Traffic
from tests.kernel.job import Guest, Job, Measured, Result, parse_job

MODULES = (
    "openvswitch", "act_police", "cls_matchall", "sch_htb", "sch_ingress", "sch_netem",
    "veth", "tun",
)  # fmt: skip
READY = "ready"


def main(lifetime: str, datapath: str) -> None:
    """Serve jobs for at most `lifetime` seconds."""
    signal.alarm(int(lifetime))
    for module in MODULES:
        run("modprobe", module)
    net = Network(Switch(datapath))
    print(READY, flush=True)
    for line in sys.stdin:
        try:
            result = measure(net, parse_job(line))
        except Exception:
            result = Result((), (), (0, 0), 0, error=traceback.format_exc())
        print(json.dumps(dataclasses.asdict(result)), flush=True)


def measure(net: Network, job: Job) -> Result:
    """Carry out one job."""
    net.prepare(job)
    guests = dict(zip(_numbers(job), job.guests))
    for number, guest in guests.items():
        _attach(net.switch, number, guest)
    traffic = [
        [Traffic(job, number, flow, 10 * number + index) for index, flow in enumerate(guest.flows)]
        for number, guest in guests.items()
    ]
    try:
        return _watch(net, job, guests, traffic)
    finally:
        for flows in traffic:
            for flow in flows:
                flow.close()
        net.switch.detach(*map(port, guests))


def _numbers(job: Job) -> list[int]:
    return [TAP_GUEST if guest.script else n for n, guest in enumerate(job.guests, 1)]


def _attach(switch: Switch, number: int, guest: Guest) -> None:
    name, socket = port(number), str(switch.socket)
    if guest.limit is None:
        switch.attach(name, guest.columns)
    elif guest.script:
        run(
            guest.script,
            environ=product.network_script(BRIDGE, name, number, guest.limit, switch.environ),
        )
    else:
        product.attach_limited(socket, BRIDGE, name, number, guest.limit)
    switch.teach(name, mac(number))


def _watch(
    net: Network, job: Job, guests: dict[int, Guest], traffic: list[list[Traffic]]
) -> Result:
    everything = [flow for flows in traffic for flow in flows]
    for flow in everything:
        flow.wait_for_server()
    used, total = processor_times()
    for flow in everything:
        flow.start()
    started = time.monotonic()
    changed = (0.0, 0.0)
    if any(guest.live is not None for guest in job.guests):
        time.sleep(job.warmup + job.seconds / 3)
        before = time.monotonic() - started
        for number, guest in guests.items():
            if guest.live is not None:
                environ = product.hook(BRIDGE, number, guest.live, net.switch.environ)
                run(product.hook_of(guest.script), environ=environ)
        changed = before, time.monotonic() - started
    measured: list[tuple[Measured, ...]] = [
        tuple(flow.finish() for flow in flows) for flows in traffic
    ]
    used_after, total_after = processor_times()
    ports = [port(number) for number in guests]
    tc, limits = tuple(map(net.switch.tc, ports)), product.found_limits(ports)
    if job.spoil:
        net.switch.spoil(ports)
    return Result(
        flows=tuple(measured),
        tc=tc,
        rows=(net.switch.rows("QoS"), net.switch.rows("Queue")),
        busy=(used_after - used) / max(1, total_after - total),
        changed=changed,
        limits=limits,
        spoiled=product.found_limits(ports) if job.spoil else (),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    main(*sys.argv[1:])
