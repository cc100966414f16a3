"""gnt-ovs modify-nic and info-nic with a stand-in for Ganeti, and shell scripts for nodes.

tests/cluster has the real ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ganeti_ovs.cli import infonic, modifynic
from ganeti_ovs.cluster.instances import Instance, Instances
from ganeti_ovs.cluster.jobs import UnfinishedError
from ganeti_ovs.cluster.master import Cluster, Node
from ganeti_ovs.cluster.switchtags import TagChange
from ganeti_ovs.master import nicmodify
from ganeti_ovs.master.nictelling import Told, line_for, tell
from ganeti_ovs.model.errors import Error
from tests.unit.test_nicchange import UUIDS, tag, web

GOOD = {"uuid": UUIDS[0], "tap": "tap0", "problem": "", "warning": ""}


class Ganeti(Instances):
    """One instance, web.lab, on node1.lab."""

    def __init__(self) -> None:
        self.web = web("ovs:nic:0:max_bandwidth:10M", "prod", nics=2)
        self.jobs: list[tuple[TagChange, dict[str, str | None]]] = []
        self.refuses: list[int] = []
        """Numbers of jobs that fail behind their tags; those of the first opcode: negative."""
        self.meanwhile: dict[int, Instance] = {}
        """Number of a job -> what somebody else makes of the instance right before it."""
        self.late: list[int] = []
        """Numbers of jobs that are carried out and said to have failed."""
        self.unfinished = False
        self.offline = False
        self.script = self.answers([GOOD])

    def answers(self, nics: list[dict[str, str]], **more: Any) -> str:
        data = {"format": 1, "done": [], "problems": [], "nics": nics, "moved": []}
        data |= {"dry_run": False, **more}
        return f"read line; echo \"$line\" >&2; echo '{json.dumps(data)}'"

    def find(self, name: str) -> str:
        if name not in ("web", "web.lab"):
            raise Error(f"there is no instance {name}, or more than one")
        return "web.lab"

    def instance(self, name: str) -> Instance:
        assert name == "web.lab"
        return self.web

    def read(self) -> Cluster:
        return Cluster(
            "lab", {}, {"node1.lab": Node("node1.lab", "default", frozenset(), self.offline, 22)}
        )

    def reach(self, cluster: Cluster, node: str, command: str) -> list[str]:
        assert node in cluster.nodes
        assert command.startswith("gnt-ovs reconcile --news")
        return ["sh", "-c", self.script]

    def change_nic(
        self,
        instance: str,
        tags: TagChange,
        nic: str,
        params: Mapping[str, str | None],
        what: str,
    ) -> None:
        assert instance == self.web.name
        self.jobs.append((tags, dict(params)))
        number = len(self.jobs)
        self.web = self.meanwhile.get(number, self.web)
        if self.unfinished:
            raise UnfinishedError("luxid is away; job 7 may still go on, see gnt-job info")
        if -number in self.refuses:
            raise Error("job 7 has failed")
        self.web = self.web.with_tags(self.web.tags | {*tags.add})
        if not {*tags.remove} <= self.web.tags:
            raise Error("Tag(s) not found")
        self.web = self.web.with_tags(self.web.tags - {*tags.remove})
        if number in self.refuses:
            raise Error("a hook says no")
        if params:
            self.web = self.web.with_parameters(nic, params)
        if number in self.late:
            raise Error("luxid is away")


@pytest.fixture
def ganeti(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ganeti:
    found = Ganeti()
    monkeypatch.setattr(modifynic, "Instances", lambda: found)
    monkeypatch.setattr(infonic, "Instances", lambda: found)
    monkeypatch.setenv("LOCALSTATEDIR", str(tmp_path))
    return found


def modify(*arguments: str) -> Result:
    return CliRunner().invoke(modifynic.modify_nic, arguments, standalone_mode=False)


def test_stored_and_in_effect(ganeti: Ganeti) -> None:
    ganeti.script = ganeti.answers([GOOD], done=["changed tap0 (web.lab, NIC 0) on br0"])
    done = modify("web", "0", "--max-bandwidth", "0.1G", "--vlan", "5")
    new = tag(0, "max_bandwidth:100M")
    assert done.output.splitlines() == [
        "web.lab, NIC 0: vlan none -> .5 (parameter of the NIC)",
        f"web.lab, NIC 0: max_bandwidth 10M -> 100M (tag {new})",
        "  removed tag ovs:nic:0:max_bandwidth:10M",
        f"  added tag {new}",
        "  node1.lab: changed tap0 (web.lab, NIC 0) on br0",
        "web.lab, NIC 0: in effect on node1.lab",
    ]
    assert (done.exception, done.return_value) == (None, 0)
    assert ganeti.jobs == [
        (TagChange(("ovs:nic:0:max_bandwidth:10M",), (new,)), {"vlan": ".5"}),
    ]


def test_tags_by_the_index_that_another_nic_had_stay(ganeti: Ganeti) -> None:
    """And where the node cannot be asked, too: what is by UUID goes before them."""
    old, new = "ovs:nic:0:max_bandwidth:10M", tag(0, "max_bandwidth:20M")
    ganeti.script = ganeti.answers([GOOD], moved=["0"])
    assert modify("web", "0", "--max-bandwidth", "20M").exception is None
    assert ganeti.web.tags == {"prod", old, new}
    ganeti.script = "exit 1"
    assert modify("web", "0", "--max-bandwidth", "20M").exception is not None
    assert ganeti.web.tags == {"prod", old, new}
    ganeti.script = ganeti.answers([GOOD], moved=["1"])
    assert modify("web", "0", "--max-bandwidth", "20M").exception is None
    assert ganeti.web.tags == {"prod", new}


def test_a_range_is_stored_as_ganeti_writes_it(ganeti: Ganeti) -> None:
    done = modify("web", "0", "--vlan", ".5:10-12")
    assert "web.lab, NIC 0: vlan none -> .5:10:11:12 (parameter of the NIC)" in done.output
    assert ganeti.jobs == [(TagChange((), ()), {"vlan": ".5:10:11:12"})]
    done = modify("web", "0", "--vlan", "10,20-30")
    assert "did you mean :10:20-30?" in str(done.exception)


def test_again_it_is_only_told(ganeti: Ganeti) -> None:
    modify("web", "0", "--max-burst", "1M")
    done = modify("web", "0", "--max-burst", "1000k")
    assert len(ganeti.jobs) == 1
    assert "max_burst 1M, as before" in done.output
    assert "in effect on node1.lab" in done.output


def test_only_told(ganeti: Ganeti) -> None:
    """For what was changed otherwise, as tags by gnt-instance are: the node hears all of it."""
    done = modify("web", "0", "--tell")
    assert (ganeti.jobs, done.exception) == ([], None)
    assert done.output == "web.lab, NIC 0: in effect on node1.lab\n"


@pytest.mark.parametrize(("others", "tellings"), [(1, 2), (2, 3), (9, 3)])
def test_the_node_hears_the_last_last(others: int, tellings: int, ganeti: Ganeti) -> None:
    """Who changes the instance while the node is told has told it before us."""
    heard: list[str] = []
    ganeti.web = web("prod", nics=2)

    def told(argv: list[str], line: str) -> Told:
        heard.append(line)
        answer = tell(argv, line)
        if len(heard) <= others:
            ganeti.web = ganeti.web.with_parameters(UUIDS[1], {"vlan": f".{len(heard)}"})
        return answer

    ganeti.script = ganeti.answers([GOOD], done=["changed tap0"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modifynic, "tell", told)
        done = modify("web", "0", "--max-bandwidth", "20M")
    assert done.exception is None
    assert len(heard) == tellings
    assert done.output.count("node1.lab: changed tap0") == tellings
    assert (heard[-1] == line_for(ganeti.web)) is (others < tellings)
    assert ("has not heard of the last" in done.output) is (others >= tellings)


def test_a_dry_run(ganeti: Ganeti) -> None:
    ganeti.script = ganeti.answers([], dry_run=True, done=["changed tap0"])
    done = modify("web", "0", "--reset", "max-bandwidth", "--dry-run")
    assert not ganeti.jobs
    assert "  would have removed tag ovs:nic:0:max_bandwidth:10M\n" in done.output
    assert "  node1.lab: would have changed tap0\n" in done.output
    assert "in effect" not in done.output


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "no answer (exit code 3)"),
        ("echo gnt-ovs: the database is away >&2; exit 1", "the database is away"),
        ("echo 'Error: No such option: --news' >&2; exit 2", "an older version, which cannot be"),
        ("read line; echo '{}'", "its answer is not understood (format None); another version?"),
        ("read line; echo '{\"format\": 1}'", "it says nothing of NICs"),
        ("read line; echo '{'", "JSONDecodeError"),
        ("read line; echo Welcome", "what answers is not gnt-ovs: 'Welcome'"),
    ],
)
def test_stored_and_nobody_knows_more(script: str, why: str, ganeti: Ganeti) -> None:
    ganeti.script = script
    done = modify("web", "0", "--max-bandwidth", "20M")
    assert len(ganeti.jobs) == 1
    assert isinstance(done.exception, Error)
    line = str(done.exception)
    assert line.startswith(
        "web.lab, NIC 0: stored; whether it is in effect on node1.lab is not known: "
    )
    assert why in line
    assert line.endswith("repeat this command when that is put right")
    assert "\n" not in line
    assert "in effect" not in done.output
    report = json.loads(modify("web", "0", "--max-bandwidth", "30M", "--json").output)
    assert (report["in_effect"], report["error"]) == (None, line.partition(": ")[2])


def test_it_is_not_to_run_and_its_node_does_not_answer(ganeti: Ganeti) -> None:
    ganeti.web, ganeti.script = replace(ganeti.web, up=False), "exit 3"
    done = modify("web", "0", "--max-bandwidth", "20M")
    assert done.exception is None
    assert "warning: node1.lab cannot be asked: no answer (exit code 3)" in done.output
    assert "web.lab, NIC 0: stored; it is not to run, and has it from its next" in done.output


def test_what_the_node_says_is_wrong(ganeti: Ganeti) -> None:
    ganeti.script = ganeti.answers([{**GOOD, "problem": "this node has no vSwitch br0"}])
    done = modify("web", "0", "--max-bandwidth", "20M", "--json")
    report = json.loads(done.output)
    assert report["in_effect"] is False
    assert "tap0: this node has no vSwitch br0" in report["error"] in str(done.exception)
    # Of the other NIC, or another guest, it is no failure.
    other = {**GOOD, "uuid": UUIDS[1], "problem": "bad"}
    ganeti.script = ganeti.answers([GOOD, other], problems=["tap7: bad"])
    done = modify("web", "0", "--max-bandwidth", "30M")
    assert done.exception is None
    assert "warning: node1.lab: tap7: bad" in done.output


def test_a_node_that_says_nothing_of_the_nic(ganeti: Ganeti) -> None:
    """It may run there all the same."""
    ganeti.script = ganeti.answers([{**GOOD, "uuid": UUIDS[1]}])
    done = modify("web", "0", "--max-bandwidth", "20M")
    assert "its answer says nothing of the NIC" in str(done.exception)


def test_it_does_not_run(ganeti: Ganeti) -> None:
    ganeti.script = ganeti.answers([{**GOOD, "tap": ""}])
    done = modify("web", "0", "--max-bandwidth", "20M")
    assert done.exception is None
    assert "stored; it does not run on node1.lab, and has it from its next start" in done.output
    assert "in effect" not in done.output


def test_an_offline_node(ganeti: Ganeti) -> None:
    ganeti.offline = True
    assert "whether it is in effect on node1.lab is not known: it is offline" in str(
        modify("web", "0", "--max-burst", "2M").exception
    )


def test_a_job_that_fails_is_taken_back(ganeti: Ganeti) -> None:
    before = ganeti.web.tags
    ganeti.script = ganeti.answers([GOOD])
    ganeti.refuses = [1]
    done = modify("web", "0", "--max-bandwidth", "20M", "--vlan", ".5")
    assert str(done.exception) == "web.lab, NIC 0: a hook says no; nothing is changed"
    assert ganeti.web.tags == before
    ganeti.refuses = [-3]
    done = modify("web", "0", "--max-bandwidth", "20M")
    assert str(done.exception) == "web.lab, NIC 0: job 7 has failed; nothing is changed"
    ganeti.refuses = [4, -5]
    done = modify("web", "0", "--max-bandwidth", "20M", "--vlan", ".5")
    assert "its tags are changed all the same" in str(done.exception)


def test_a_job_that_has_stored_it_all_the_same(ganeti: Ganeti) -> None:
    """Tags and parameter, or a parameter alone, which no tag tells of."""
    ganeti.script = ganeti.answers([GOOD])
    ganeti.late = [1, 2]
    done = modify("web", "0", "--vlan", ".5")
    assert done.exception is None
    assert "in effect on node1.lab" in done.output
    assert modify("web", "0", "--vlan", ".6", "--max-bandwidth", "20M").exception is None
    assert ganeti.web.nics[0].own == {"vlan": ".6"}
    assert ganeti.web.tags == {"prod", tag(0, "max_bandwidth:20M")}
    assert len(ganeti.jobs) == 2


def test_a_job_whose_end_nobody_knows(ganeti: Ganeti) -> None:
    """Nothing is said of what is stored, and nothing taken back under it."""
    ganeti.unfinished = True
    done = modify("web", "0", "--vlan", ".5", "--max-bandwidth", "20M")
    assert str(done.exception) == (
        "web.lab, NIC 0: luxid is away; job 7 may still go on, see gnt-job info; whether it is"
        " stored is not known; gnt-ovs info-nic shows it"
    )
    assert len(ganeti.jobs) == 1


def test_somebody_else_at_the_same_time(ganeti: Ganeti) -> None:
    """Has removed the tag, or changed it; what others have said of other NICs stays."""
    theirs = tag(1, "max_burst:1M")
    ganeti.meanwhile[1] = web("ovs:nic:0:max_bandwidth:30M", "prod", theirs, nics=2)
    done = modify("web", "0", "--max-bandwidth", "20M")
    assert done.exception is None
    assert ganeti.web.tags == {"prod", theirs, tag(0, "max_bandwidth:20M")}
    ganeti.meanwhile = {len(ganeti.jobs) + 1: web("prod", nics=2)}
    assert modify("web", "0", "--max-bandwidth", "40M").exception is None
    assert ganeti.web.tags == {"prod", tag(0, "max_bandwidth:40M")}


def test_a_parameter_is_reset_though_tags_have_changed_meanwhile(ganeti: Ganeti) -> None:
    """The first job fails behind its tags."""
    ganeti.web = web(tag(0, "max_burst:1M"), custom_nicparams=[{"vlan": ".5"}])
    ganeti.meanwhile[1] = web("theirs", custom_nicparams=[{"vlan": ".5"}])
    done = modify("web", "0", "--reset", "vlan", "--reset", "max-burst")
    assert done.exception is None
    assert [params for _tags, params in ganeti.jobs] == [{"vlan": None}, {"vlan": None}]
    assert ganeti.web.tags == {"theirs"}
    assert not ganeti.web.nics[0].own


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("change_nic", "whether it is stored is not known; gnt-ovs info-nic shows it"),
        ("reach", "stored, but whether it is in effect is not known; repeat this command"),
    ],
)
def test_ctrl_c(where: str, why: str, ganeti: Ganeti, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_any: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ganeti, where, interrupted)
    done = modify("web", "0", "--max-burst", "2M")
    assert str(done.exception) == f"web.lab, NIC 0: was ended by SIGINT: {why}"


def test_one_at_a_time(ganeti: Ganeti, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganeti_ovs.cluster.runtime import runtime

    monkeypatch.setattr(nicmodify, "_PATIENCE", 0.1)
    with nicmodify.lock(runtime({"LOCALSTATEDIR": str(tmp_path)}), "web.lab"):
        done = modify("web", "0", "--max-bandwidth", "20M")
    assert "another gnt-ovs modify-nic is changing web.lab" in str(done.exception)
    assert not ganeti.jobs


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["web", "0"], "nothing is to be changed"),
        (["web", "0", "--tell", "--vlan", "5"], "--tell stores nothing"),
        (["web", "0", "--reset", "speed"], "there is no setting speed: vlan, port_type"),
        (["web", "0", "--vlan", ".5", "--reset", "vlan"], "vlan is both set and reset"),
        (["web", "0", "--vlan", "9999"], "VLAN ID 9999 is not in 1-4094"),
        (["web", "0", "--port-type", "acess"], "port_type 'acess' is none of access"),
        (["web", "0", "--max-bandwidth", "fast"], "max_bandwidth 'fast' is no bit/s value"),
        (["web", "7", "--vlan", ".5"], "web.lab has no NIC 7: it has 0"),
        (["wbe", "0", "--vlan", ".5"], "there is no instance wbe"),
        (["web", "0", "--port-type", "hybrid"], "contradicts no vlan"),
    ],
)
def test_refused(arguments: list[str], why: str, ganeti: Ganeti) -> None:
    done = modify(*arguments)
    assert why in str(done.exception)
    assert not ganeti.jobs


def test_all_nics_but_those_with_their_own(ganeti: Ganeti) -> None:
    ganeti.script = ganeti.answers([GOOD, {**GOOD, "uuid": UUIDS[1], "tap": "tap1"}])
    done = modify("web", "*", "--max-bandwidth", "20M")
    kept = "NIC 0 keeps its max_bandwidth 10M, by tag ovs:nic:0:max_bandwidth:10M"
    assert f"warning: {kept}" in done.output
    assert "NIC 1 keeps" not in done.output
    assert done.output.endswith("web.lab, all NICs: in effect on node1.lab\n")


def test_info(ganeti: Ganeti) -> None:
    ganeti.web = web("ovs:nic:*:max_bandwidth:5M", *ganeti.web.tags, "ovs:nic:8:vlan:.5")
    done = CliRunner().invoke(infonic.info_nic, ["web"], standalone_mode=False)
    assert done.return_value == 0
    assert (
        "  max_bandwidth: 10M (tag ovs:nic:0:max_bandwidth:10M)\n"
        "    not used: 5M (tag ovs:nic:*:max_bandwidth:5M)\n"
        "  max_burst: by the rate (default)\n"
    ) in done.output
    assert "warning: web.lab has no NIC that tag ovs:nic:8:vlan:.5 could mean" in done.output
    ganeti.web = web("ovs:nic:0:max_bandwith:5M")
    done = CliRunner().invoke(infonic.info_nic, ["web", "0", "--json"], standalone_mode=False)
    assert done.return_value == 1
    assert "did you mean ovs:nic:0:max_bandwidth:5M?" in json.loads(done.output)[0]["error"]


def test_a_node_that_hangs() -> None:
    told = tell(["sh", "-c", "read line; sleep 60"], "{}", limit=0.3)
    assert told.error == "no answer within 0.3 s"
