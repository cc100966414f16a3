"""Files of ours, written so that no crash leaves half of one."""

from __future__ import annotations

import os

from ganeti_ovs.model.errors import Error


def write_file(path: str, text: str) -> None:
    """Make `text` the file's contents: on the disk, and whole or not at all. Raises Error."""
    directory = os.path.dirname(path)
    new = f"{path}.new"
    try:
        os.makedirs(directory, 0o755, exist_ok=True)
        with open(new, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as err:
        try:  # noqa: SIM105
            os.unlink(new)
        except OSError:
            pass  # It was not even made.
        raise Error(f"{path} cannot be written: {err.strerror or err}") from err
