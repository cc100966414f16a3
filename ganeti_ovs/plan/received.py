"""A node's state (ganeti_ovs.plan.state) as another node, whose version may differ, says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganeti_ovs.model.errors import BadInput

_Form = Mapping[str, tuple[type, ...]]
"""Name -> the types that its value may have."""

_NOTHING = type(None)
_SWITCH: _Form = {
    "datapath_type": (str,), "guest_mtu": (int, _NOTHING), "cut": (list,), "ports": (dict,),
}  # fmt: skip
_PORT: _Form = {"trunks": (list,), "members": (dict,)}
_MEMBER: _Form = {
    "link": (str,), "mtu": (int, _NOTHING), "mtu_request": (int, _NOTHING),
    "ofport": (int, _NOTHING), "error": (str, _NOTHING), "lacp_current": (bool, _NOTHING),
}  # fmt: skip
_BOND: _Form = {
    "mode": (str,), "lacp": (str,), "negotiated": (bool, _NOTHING), "active": (str, _NOTHING),
}  # fmt: skip


def received_state(data: object) -> dict[str, Any]:
    """The state, if it is one: every value that is read is there and of its type.

    Raises BadInput that names what is not. What is not known here is left out.
    """
    return {str(name): _switch(one, str(name)) for name, one in _object(data, "state").items()}


def _switch(data: object, what: str) -> dict[str, Any]:
    switch = _values(data, _SWITCH, what)
    if not all(isinstance(line, str) for line in switch["cut"]):
        raise BadInput(f"{what}: cut")
    switch["ports"] = {name: _port(one, f"{what}: {name}") for name, one in switch["ports"].items()}
    return switch


def _port(data: object, what: str) -> dict[str, Any]:
    port = _values(data, _PORT, what)
    port["members"] = {
        name: _values(one, _MEMBER, f"{what}: {name}") for name, one in port["members"].items()
    }
    bond = _object(data, what).get("bond")
    return port if bond is None else {**port, "bond": _values(bond, _BOND, f"{what}: bond")}


def _values(data: object, form: _Form, what: str) -> dict[str, Any]:
    found = _object(data, what)
    for name, types in form.items():
        if name not in found or type(found[name]) not in types:
            raise BadInput(f"{what}: {name}")
    return {name: found[name] for name in form}


def _object(data: object, what: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise BadInput(what)
    return data
