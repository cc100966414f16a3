"""Ports of a bridge as OpenFlow has them, by ovs-ofctl(8) on the bridge's own socket."""

from __future__ import annotations

import re
import subprocess
from os.path import dirname
from typing import TYPE_CHECKING

from ganeti_ovs.model.errors import Error, quoted

if TYPE_CHECKING:
    from ganeti_ovs.ovsdb.client import Client

_LIMIT = 5
"""Seconds for each call."""
_VERSION = "OpenFlow10"
"""NOTE: the later ones have no NO_FLOOD, and take such a change without making it."""
_PORT = re.compile(r"^ *(\d+)\((.*)\): addr:.*\n +config: +(.*)$", re.MULTILINE)
_NO_FLOOD = "NO_FLOOD"


class OpenFlow:
    """The bridge `name` of who answers `client`."""

    def __init__(self, client: Client, name: str) -> None:
        self._name = name
        self._socket = f"unix:{dirname(client.path)}/{name}.mgmt"

    def flooded(self) -> dict[str, str]:
        """Its ports, but for its own one and those that are set to get no broadcasts.

        Name -> number. Raises Error.
        """
        return flooded_ports(self._ask("dump-ports-desc"))

    def flood_again(self, number: str) -> None:
        """Have the port get no broadcasts, and get them again. Raises Error.

        The latter is tried twice, whatever becomes of the former: left without, a port would be
        taken for one that somebody wants so.
        """
        try:
            self._ask("mod-port", number, "no-flood")
        finally:
            try:
                self._ask("mod-port", number, "flood")
            except Error:
                self._last(number)

    def _last(self, number: str) -> None:
        try:
            self._ask("mod-port", number, "flood")
        except Error as err:
            by_hand = f"ovs-ofctl -O {_VERSION} mod-port {self._name} {number} flood"
            raise Error(f"{err}; port {number} is without broadcasts: {by_hand}") from err

    def _ask(self, command: str, *arguments: str) -> str:
        argv = ["ovs-ofctl", "-O", _VERSION, f"--timeout={_LIMIT}", command, self._socket]
        try:
            done = subprocess.run(
                [*argv, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LIMIT + 1,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as err:
            raise Error(f"{self._name}: ovs-ofctl {command}: {err}") from err
        if done.returncode:
            words = quoted(done.stderr.strip(), 200)
            raise Error(f"{self._name}: ovs-ofctl {command}: {words}")
        return done.stdout


def flooded_ports(text: str) -> dict[str, str]:
    """Ports without NO_FLOOD, name -> number, in what `ovs-ofctl dump-ports-desc` says."""
    ports = _PORT.findall(text)
    return {name.strip('"'): number for number, name, config in ports if _NO_FLOOD not in config}
