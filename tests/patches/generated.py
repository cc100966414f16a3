"""The Python modules that Ganeti's build generates from Haskell, without a Haskell compiler.

Taken from Debian's package of the same version; what the series changes is
made here from the patched Constants.hs and OpParams.hs. The tests on patched
packages compare the result with what the build makes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_FILES = (
    "_constants.py",
    "_vcsversion.py",
    "opcodes.py",
    "rpc/stub/wconfd.py",
    "rpc/stub/metad.py",
)
_TYPES = {"vtypeString": "string", "VTypeString": "string", "VTypeMaybeString": "maybe-string"}


def fill(tree: Path, package: Path, unpacked: Path) -> None:
    """Make the Python of `tree`, Ganeti's source, importable, with what `package` has generated."""
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
    (stock,) = unpacked.glob("usr/share/ganeti/3.*/ganeti")
    for name in _FILES:
        shutil.copy(stock / name, tree / "lib" / name)
    (tree / "ganeti").symlink_to("lib")
    rpc = subprocess.run(
        ["/usr/bin/python3", "autotools/build-rpc", "lib/rpc_defs.py"],
        cwd=tree, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    (tree / "lib/_generated_rpc.py").write_text(rpc)


def patch(tree: Path) -> None:
    """Bring the generated modules of a filled, patched tree to what its Haskell says."""
    path = tree / "lib/_constants.py"
    path.write_text(path.read_text() + "\n".join(constants(tree)) + "\n")
    path = tree / "lib/opcodes.py"
    vlan = re.compile(r'    \("network_vlan".*\n')
    text, count = vlan.subn(
        lambda match: match[0] + "".join(network_fields(tree)), path.read_text()
    )
    assert count == 1, "no network_vlan in opcodes.py"
    path.write_text(text)


def constants(tree: Path) -> list[str]:
    """Python lines for the constants of NICs in src/Ganeti/Constants.hs."""
    source = (tree / "src/Ganeti/Constants.hs").read_text()
    lines = []
    for name, value in re.findall(r"(?m)^(i?nics?[A-Z]\w*) =\s+((?:.+\n)+)", source):
        words = re.findall(r"\w+", value)
        if value.startswith('"'):
            lines.append(f"{_python(name)} = {value.strip()}")
        elif words[:2] == ["ConstantUtils", "mkSet"] and "[" in value and "map" not in words:
            lines.append(f"{_python(name)} = frozenset([{', '.join(map(_python, words[2:]))}])")
        elif words[:2] == ["Map", "fromList"]:
            pairs = zip(words[2::2], words[3::2])
            items = ", ".join(f"{_python(key)}: {_TYPES[kind]!r}" for key, kind in pairs)
            lines.append(f"{_python(name)} = {{{items}}}")
    return [
        *lines,
        "NICS_PARAMETERS = frozenset(NICS_PARAMETER_TYPES)",
        "INIC_PARAMS = frozenset(INIC_PARAMS_TYPES)",
    ]


def _python(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper()


def network_fields(tree: Path) -> list[str]:
    """The lines of opcodes.py for parameters of OpNetworkConnect in OpParams.hs."""
    source = (tree / "src/Ganeti/OpParams.hs").read_text()
    fields = re.findall(
        r'withDoc "(.*)" \.\n  optionalField \$ stringField "(network_\w+)"', source
    )
    assert fields, "no parameters of networks in OpParams.hs"
    return [f'    ("{name}", None, ht.TMaybe(ht.TString), "{doc}"),\n' for doc, name in fields]
