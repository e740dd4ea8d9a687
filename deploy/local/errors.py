"""What can go wrong with a stack on this machine: one line each that says what to do."""


class StackError(Exception):
    """The stack, or a part of it, can't be started or stopped; the message says why."""
