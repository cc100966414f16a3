"""The errors that are made for people: one line, what is wrong, where, what to do."""

from __future__ import annotations


class Error(Exception):
    """Anything that stops us and that an administrator can act on.

    Its text is one line; the border that prints it adds the program's name
    and the NIC it is about.
    """


class BadInput(Error):
    """A value from Ganeti or from the command line breaks a rule of the model."""


def quoted(text: str, limit: int = 60) -> str:
    """Untrusted `text` as it may stand in an error: one line, printable ASCII,
    in quotes, cut after `limit` characters.
    """
    shown = ascii(text)
    return shown if len(shown) <= limit else shown[: limit - 4] + "..." + shown[0]


def printable(text: str) -> str:
    """Untrusted `text` as it may be shown: one line of whole characters, the rest escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
