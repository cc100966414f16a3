"""make demo: the main job on a private Open vSwitch, to watch.

Runs in namespaces of its own (see the Makefile), so neither the node's Open
vSwitch nor its interfaces see any of it. Every line shown is measured or read
back; the last one is `demo: OK` only if all was as it must be.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.captured import ACCESS
from tests.testbed.frames import exchange, flood
from tests.testbed.namespace import prepare
from tests.testbed.openvswitch import OpenVSwitch
from tests.testbed.product import Product
from tests.testbed.rules import Port, Tags, passes
from tests.testbed.tap import Tap

# Guest, vSwitch, VLAN as typed in `gnt-instance add --net`, tags, and the port by 802.1Q.
GUESTS = [
    ("web.lab", "br0", ".10", "", Port(10)),
    ("mail.lab", "br0", ".20", "", Port(20)),
    ("router.lab", "br0", ":10:20", "", Port(None, 10, 20)),
    ("phone.lab", "br0", ".10:20:30", "", Port(10, 20, 30)),
    ("old.lab", "br1", "", "", Port(0)),
    ("guest.lab", "br1", "", "ovs:nic:0:max_bandwidth:10M", Port(0)),
]
TAPS = [f"tap{number}" for number in range(len(GUESTS))]
FRAMES: list[Tags] = [(), (10,), (20,)]
COLOUR = sys.stdout.isatty()


def say(text: str = "", style: str = "") -> None:
    print(f"\033[{style}m{text}\033[0m" if COLOUR and style else text, flush=True)


def chapter(text: str) -> None:
    say(f"\n== {text}", "1;34")


class Failed(Exception):
    """Something was not as it must be."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


class Demo:
    """The steps, in the order in which they are shown."""

    def __init__(self, ovs: OpenVSwitch, product: Product) -> None:
        self.ovs = ovs
        self.product = product
        self.taps: dict[str, Tap] = {}

    def environ(self, number: int, **changes: str) -> dict[str, str]:
        """A captured call of Ganeti's, for another guest."""
        name, link, vlan, tags, _ = GUESTS[number]
        return {
            **ACCESS,
            **self.ovs.environ,
            "INSTANCE": name,
            "INTERFACE": TAPS[number],
            "INTERFACE_INDEX": "0",
            "INTERFACE_UUID": f"bdc23741-5995-403d-8ac7-{number:012x}",
            "LINK": link,
            "VLAN": vlan,
            "TAGS": tags,
            **changes,
        }

    def attach(self, stack: ExitStack) -> None:
        chapter("Ganeti starts six guests and calls kvm-vif-bridge for each tap")
        for number, (name, link, vlan, tags, _) in enumerate(GUESTS):
            tap = TAPS[number]
            self.taps[tap] = stack.enter_context(Tap(tap))
            started = time.monotonic()
            done = self.product.run(self.environ(number))
            took = (time.monotonic() - started) * 1000
            expect(done.returncode == 0, f"{tap}: {done.stderr}")
            shown = f"--net 0:link={link}" + (f",vlan={vlan}" if vlan else "")
            say(f"  {name:<11} {shown:<32} {tags:<28} attached in {took:3.0f} ms")
            if done.stderr:
                say(f"  {done.stderr.strip()}", "33")

    def picture(self) -> str:
        done = self.product.run({**os.environ, **self.ovs.environ}, self.product.gnt_ovs, "show")
        expect(done.returncode == 0, f"gnt-ovs show: {done.stderr}")
        return done.stdout

    def show(self) -> None:
        chapter("gnt-ovs show")
        picture = self.picture()
        say(picture.rstrip())
        for name, *_ in GUESTS:
            expect(f"{name} NIC 0" in picture, f"{name} is not in the picture")

    def reach(self) -> None:
        chapter("Who hears whom: real broadcast frames from tap to tap")
        sent = dict(enumerate([(tap, tags) for tap in TAPS for tags in FRAMES], start=1))
        arrived = exchange(self.taps, sent)
        say(f"  {'sender':<11} {'sends':<9} " + " ".join(f"{g[0]:<11}" for g in GUESTS), "2")
        for number, (sender, tags) in sent.items():
            cells = []
            for receiver in TAPS:
                one, other = GUESTS[TAPS.index(sender)], GUESTS[TAPS.index(receiver)]
                rule = passes(one[4], other[4], tags) if one[1] == other[1] else None
                got = arrived[number].get(receiver)
                if receiver == sender:
                    cells.append("·")
                    continue
                expect(got == rule, f"{one[0]} {words(tags)} -> {other[0]}: {got}, not {rule}")
                cells.append("-" if got is None else words(got))
            name = GUESTS[TAPS.index(sender)][0]
            say(f"  {name:<11} {words(tags):<9} " + " ".join(f"{c:<11}" for c in cells))

    def limits(self) -> None:
        chapter("max_bandwidth=10M of guest.lab, both directions, measured for 2 s each")
        limited, free = self.taps["tap5"], self.taps["tap4"]
        before, after = flood(free, limited, 2.0)
        say(
            f"  to guest.lab:   {before / 1e6:6.1f} Mbit/s sent, {after / 1e6:6.1f} Mbit/s received"
        )
        before, after = flood(limited, free, 2.0)
        say(
            f"  from guest.lab: {before / 1e6:6.1f} Mbit/s sent, {after / 1e6:6.1f} Mbit/s received"
        )
        say("  (The userspace datapath of this demo cannot police what a guest sends, as it said.)")
        row = self.ovs.vsctl("get", "interface", "tap5", "ingress_policing_rate").strip()
        queue = self.ovs.vsctl("--columns=other_config", "list", "queue").strip()
        say(f"  ingress_policing_rate={row} kbit/s; queue {queue}")
        expect(row == "10000", "the policing rate is not 10000 kbit/s")
        expect('max-rate="10000000"' in queue, "the queue's max-rate is not 10000000 bit/s")

    def mistake(self) -> None:
        chapter("A mistake: vlan=9999, which Ganeti accepts")
        before = self.picture()
        done = self.product.run(self.environ(0, VLAN=".9999"))
        say(f"  exit {done.returncode}: {done.stderr.strip()}", "31")
        expect(done.returncode == 1, "it was accepted")
        expect("VLAN ID 9999 is not in 1-4094" in done.stderr, "the error does not say why")
        expect(self.picture() == before, "something has changed")

    def remove(self) -> None:
        chapter("guest.lab stops (Ganeti 3.2 calls network/openvswitch/down)")
        done = self.product.run(self.environ(5, ACTION="down"), self.product.down)
        expect((done.returncode, done.stderr) == (0, ""), f"down: {done.stderr}")
        self.taps.pop("tap5").close()
        say(self.picture().rstrip())
        expect("guest.lab" not in self.picture(), "the port is still there")
        left = self.ovs.vsctl("list", "qos") + self.ovs.vsctl("list", "queue")
        expect(left == "", "QoS or Queue rows are still there")
        say("  port, QoS and Queue rows are gone")


def words(tags: Tags) -> str:
    return "+".join(f"tag {tag}" for tag in tags) or "untagged"


def main() -> int:
    prepare()
    with tempfile.TemporaryDirectory(prefix="ganeti-ovs-demo-") as directory, ExitStack() as stack:
        chapter("A private Open vSwitch with the vSwitches br0 and br1, and `make install`")
        product = Product(Path(directory))
        ovs = stack.enter_context(OpenVSwitch())
        for name in ("br0", "br1"):
            ovs.add_bridge(name)
        say(f"  {ovs.vsctl('--version').splitlines()[0]}, userspace datapath")
        demo = Demo(ovs, product)
        try:
            demo.attach(stack)
            demo.show()
            demo.reach()
            demo.limits()
            demo.mistake()
            demo.remove()
        except Failed as failure:
            say(f"\ndemo: FAILED: {failure}", "1;31")
            return 1
    say("\ndemo: OK", "1;32")
    return 0


if __name__ == "__main__":
    sys.exit(main())
