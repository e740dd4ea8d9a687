"""What goes wrong at the command line: one line that says what to do."""

from __future__ import annotations


class CommandError(Exception):
    """The command can't be carried out; the message is one line that says what to do."""
