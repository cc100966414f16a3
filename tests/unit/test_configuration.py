"""Tags out of Ganeti's configuration: by a piece of it the same as by all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganeti_ovs.cluster import piece
from ganeti_ovs.cluster.configuration import Tags
from ganeti_ovs.cluster.environment import NicSettings
from ganeti_ovs.cluster.runtime import Runtime, runtime

UUIDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(8)]
NAMES = ["inst1.lab", "inst2.lab", "a", "nics"]
NASTY = [
    '"name":"inst1.lab"', '\\"name":"inst1.lab', f'{{"{UUIDS[0]}":{{"name":"inst1.lab"', '":{',
    '{":', "\\", '"', "}", f',"{UUIDS[1]}', "name", "uuid", "nics",
]  # fmt: skip

texts = st.sampled_from([*NASTY, *NAMES, *UUIDS]) | st.text(max_size=5)
params = st.dictionaries(texts, texts | st.dictionaries(texts, texts, max_size=2), max_size=3)


def instances() -> st.SearchStrategy[dict[str, Any]]:
    nic = st.fixed_dictionaries({"name": texts, "nicparams": params, "uuid": texts})
    return st.fixed_dictionaries(
        {"hvparams": params, "osparams": params, "nics": st.lists(nic, max_size=2)}
    )


def shuffled(one: dict[str, Any], first: bool) -> dict[str, Any]:
    return one if first else dict(reversed(one.items()))


@given(st.lists(instances(), max_size=4), params, st.booleans())
def test_a_piece_is_what_all_of_it_says(
    some: list[dict[str, Any]], more: dict[str, Any], first: bool
) -> None:
    """Whatever texts stand in it, and wherever members stand; nodes have the same names."""
    data: dict[str, Any] = {
        "cluster": more,
        "nodes": {UUIDS[-1]: {"name": NAMES[0], "ndparams": more, "uuid": UUIDS[-1]}},
        "instances": {
            uuid: shuffled({"name": name, **one, "uuid": uuid}, first)
            for uuid, name, one in zip(UUIDS, NAMES, some, strict=False)
        },
        "nodegroups": {UUIDS[-2]: {"networks": {UUIDS[-3]: more}, "uuid": UUIDS[-2]}},
        "networks": {UUIDS[-3]: {"name": "net", "network": "10.0.0.0/8", "uuid": UUIDS[-3]}},
    }
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    by_name = {one["name"]: one for one in data["instances"].values()}
    for name in NAMES:
        assert piece.instance(text, name) == by_name.get(name)
    assert piece.network(text, UUIDS[-3]) == data["networks"][UUIDS[-3]]
    assert piece.network(text, UUIDS[0]) is None


@given(st.text() | st.lists(st.sampled_from(NASTY)).map("".join))
def test_no_text_is_too_odd(text: str) -> None:
    assert piece.instance(text, "inst1.lab") is None
    assert piece.network(text, UUIDS[0]) is None


@pytest.fixture
def here(tmp_path: Path) -> Runtime:
    (tmp_path / "lib" / "ganeti").mkdir(parents=True)
    return runtime({"LOCALSTATEDIR": str(tmp_path)})


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("count", [2, 40])
def test_tags(here: Runtime, separators: tuple[str, str], count: int) -> None:
    """However it is written, and also beyond the number that is looked for piece by piece."""
    data = {
        "instances": {
            f"{number:08x}-1111-4000-8000-000000000000": {
                "name": f"inst{number}",
                "nics": [{"uuid": "x"}, {"uuid": f"nic{number}", "network": UUIDS[0]}],
                "uuid": f"{number:08x}-1111-4000-8000-000000000000",
                "tags": ["b", f"a{number}"],
            }
            for number in range(count)
        },
        "networks": {UUIDS[0]: {"network": "10.0.0.0/8", "uuid": UUIDS[0], "tags": ["n"]}},
    }
    (Path(here.lib) / "ganeti" / "config.data").write_text(json.dumps(data, separators=separators))
    tags = Tags(here)
    for number in range(count):
        nic = NicSettings(instance=f"inst{number}", uuid=f"nic{number}", index="7", tags="old")
        assert tags.refresh(nic) == nic.but(index="1", tags=f"a{number} b", network_tags="n")
        assert tags.indices(nic.instance) == {"x": "0", f"nic{number}": "1"}
    unknown = NicSettings(instance="inst", tags="old")
    assert tags.refresh(unknown) == unknown
    assert tags.indices("inst") is None
