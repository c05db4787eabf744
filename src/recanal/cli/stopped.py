"""What is said when the user stops a command with Ctrl-C."""

__all__ = ["STOPPED", "STOPPED_STATUS"]

STOPPED = "recanal: stopped; what was not finished was not written."
"""True of every command: a result folder, a file and a change of a store appear at their end or not at all."""
STOPPED_STATUS = 130
