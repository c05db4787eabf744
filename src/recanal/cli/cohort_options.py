"""Options that the cohort commands share."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from recanal.cohort import Author
    from recanal.variables import Dictionary, ReadOptions, WriteOptions

__all__ = ["author_of", "author_options", "read_options", "read_options_of", "write_options", "write_options_of"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_STYLE = (
    click.option("--encoding", default="utf-8", show_default=True, help="Of a text file, such as cp1252."),
    click.option("--decimal", default=".", show_default=True, help="Decimal sign of a text file: . or ,"),
    click.option("--dates", default="ymd", show_default=True, help="Order of dates in a text file: ymd, dmy or mdy."),
    click.option("--codes", is_flag=True, help="Choices stand as the code numbers of the codebook."),
)
_READ = (
    click.option("--table", default="", help="The one table that the file holds."),
    click.option("--separator", default="", metavar="CHAR", help="Of a text file; from its first row otherwise."),
    *_STYLE,
    click.option("--missing", multiple=True, metavar="WORD", help="A word for not known, such as NA. May be repeated."),
    click.option("--sheet", default="", help="Of a workbook; else the sheets named like tables, or the first."),
    click.option(
        "--columns",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="TOML file: what foreign columns mean, in which unit and words.",
    ),
)
_WRITE = (
    click.option("--separator", default=",", show_default=True, metavar="CHAR", help="Of a text file."),
    *_STYLE,
)
_AUTHOR = (
    click.option("--by", default="", metavar="NAME", help="Who does this; the user of the machine otherwise."),
    click.option("--reason", default="", help="Why; kept in the audit trail."),
)


def _all(options: tuple[Callable[[_Command], _Command], ...]) -> Callable[[_Command], _Command]:
    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def read_options(command: _Command) -> _Command:
    """Add the options that say how a file is to be read."""
    return _all(_READ)(command)


def write_options(command: _Command) -> _Command:
    """Add the options that say how a text file is written."""
    return _all(_WRITE)(command)


def author_options(command: _Command) -> _Command:
    """Add ``--by`` and ``--reason``."""
    return _all(_AUTHOR)(command)


def read_options_of(given: dict[str, Any], dictionary: Dictionary) -> ReadOptions:
    """The reading options among the parameters of a command."""
    from recanal.variables import ReadOptions, read_column_rules

    names = ("encoding", "separator", "decimal", "dates", "codes", "sheet", "table")
    columns = read_column_rules(given["columns"], dictionary) if given["columns"] else {}
    separator = {"tab": "\t", "\\t": "\t"}.get(given["separator"], given["separator"])
    plain = {name: given[name] for name in names} | {"separator": separator}
    return ReadOptions(**plain, missing=tuple(given["missing"]), columns=columns)


def write_options_of(given: dict[str, Any]) -> WriteOptions:
    """The writing options among the parameters of a command."""
    from recanal.variables import WriteOptions

    names = ("encoding", "separator", "decimal", "dates", "codes")
    return WriteOptions(**{name: given[name] for name in names})


def author_of(given: dict[str, Any]) -> Author:
    """Who runs the command, and why."""
    from recanal.cohort import Author

    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return Author(given["by"] or user, given["reason"])
