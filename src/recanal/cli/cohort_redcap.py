"""``recanal cohort redcap``: to and from REDCap."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recanal.cli.cohort_options import author_of, author_options
from recanal.cli.crash import debug_option
from recanal.cli.errors import RecanalCommand
from recanal.cli.progress import show_share
from recanal.errors import CohortError, OptionError, shown_name

if TYPE_CHECKING:
    from recanal.cohort import ImportResult, RedcapProject
    from recanal.variables import Dictionary

__all__ = ["give_file", "pull", "push", "redcap", "take_file", "write_dictionary"]

_TOKEN = "RECANAL_REDCAP_TOKEN"
_EXAMPLE = """\b
Example:
  recanal cohort redcap dictionary --out redcap_dictionary.csv
  recanal cohort redcap pull study.db --url https://redcap.example.org/api/
"""


@click.group(epilog=_EXAMPLE)
def redcap() -> None:
    """Exchange rows with REDCap, by files or by its API.

    The API token is read from the environment variable RECANAL_REDCAP_TOKEN or from --token-file.
    """


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    def make(function: Callable[..., None]) -> click.Command:
        return redcap.command(name, cls=RecanalCommand)(debug_option(function))

    return make


def _taking(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that takes rows in."""
    options = (
        click.option("--event", default="", metavar="NAME", help="Which event of a longitudinal project."),
        click.option("--update", is_flag=True, help="Let keys that the store holds get a new version; needs --reason."),
        click.option("--accept-partial", is_flag=True, help="Take the good rows where others are rejected."),
        click.option("-q", "--quiet", is_flag=True, help="No progress on stderr."),
        click.option("--json", "to_json", is_flag=True, help="Print JSON."),
    )
    for option in reversed(options):
        command = option(command)
    return author_options(command)


def _reaching(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that talks to a server."""
    command = click.option(
        "--token-file", metavar="FILE", type=click.Path(path_type=Path), help="File with the API token."
    )(command)
    return click.option("--url", required=True, help="Address of the API, ending in /api/.")(command)


@_command("dictionary")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The CSV file.")
@click.option("--store", default="", help="The dictionary of a store; the shipped one otherwise.")
def write_dictionary(out: Path, store: str) -> None:
    """Write REDCap's data dictionary; upload it in a new project, then make all forms but `patient` repeating.

    \b
    Example:
      recanal cohort redcap dictionary --out redcap_dictionary.csv
    """  # noqa: D301
    from recanal.cohort import open_store
    from recanal.variables import load_dictionary, redcap_dictionary_csv

    book = open_store(store).dictionary if store else load_dictionary()
    _write(out, redcap_dictionary_csv(book))


@_command("import")
@click.argument("store")
@click.argument("file", type=click.Path(path_type=Path))
@_taking
def take_file(store: str, file: Path, **given: Any) -> None:
    """Import FILE, a REDCap export (CSV, raw data), into STORE.

    \b
    Example:
      recanal cohort redcap import study.db Study_DATA_2026-03-31.csv
    """  # noqa: D301
    try:
        data = file.read_bytes()
    except OSError as error:
        raise CohortError(f"{shown_name(file)}: cannot be read: {error.strerror}.") from error
    _take(store, data, given)


@_command("export")
@click.argument("store")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The CSV file.")
@author_options
def give_file(store: str, out: Path, **author: str) -> None:
    """Write the present rows of STORE as a file for REDCap's data import tool.

    \b
    Example:
      recanal cohort redcap export study.db --out redcap_records.csv
    """  # noqa: D301
    from recanal.cohort import open_store, redcap_csv

    with closing(open_store(store)) as opened:
        _write(out, redcap_csv(opened))
        opened.note(author_of(author), "export", {"format": "redcap"})


@_command("pull")
@click.argument("store")
@_reaching
@_taking
def pull(store: str, url: str, token_file: Path | None, **given: Any) -> None:
    """Fetch all records of a project and import them into STORE.

    \b
    Example:
      recanal cohort redcap pull study.db --url https://redcap.example.org/api/ --update --reason "weekly pull"
    """  # noqa: D301
    from recanal.cohort import check_redcap, open_store

    project = _project(url, token_file)
    with closing(open_store(store)) as opened:
        check_redcap(project, opened.dictionary)
    _take(store, project.export_records(), given)


@_command("push")
@click.argument("store")
@_reaching
@click.option("--blanks-overwrite", is_flag=True, help="Let an unknown value clear what the project holds.")
@author_options
def push(store: str, url: str, token_file: Path | None, blanks_overwrite: bool, **author: str) -> None:
    """Send the present rows of STORE to a project.

    \b
    Example:
      recanal cohort redcap push study.db --url https://redcap.example.org/api/ --token-file token.txt
    """  # noqa: D301
    from recanal.cohort import check_redcap, open_store, redcap_csv

    project = _project(url, token_file)
    with closing(open_store(store)) as opened:
        check_redcap(project, opened.dictionary, sending=True)
        count = project.import_records(redcap_csv(opened), blanks_overwrite=blanks_overwrite)
        opened.note(author_of(author), "export", {"format": "redcap", "records": count})
    click.echo(f"REDCap took {count} records.")


def _project(url: str, token_file: Path | None) -> RedcapProject:
    from recanal.cohort import RedcapProject

    token = os.environ.get(_TOKEN, "")
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError(f"--token-file: {shown_name(token_file)!r} cannot be read.") from error
    if not token:
        raise OptionError("A token is missing.", hint=f"Set {_TOKEN}, or use --token-file.")
    return RedcapProject(url, token)


def _take(store: str, data: bytes, given: dict[str, Any]) -> None:
    from recanal.cohort import ImportOptions, import_redcap, open_store

    how = ImportOptions(update=given["update"], accept_partial=given["accept_partial"])
    with closing(open_store(store)) as opened, show_share(quiet=given["quiet"] or given["to_json"]) as say:
        author = author_of(given)
        result = import_redcap(opened, data, author=author, event=given["event"], how=how, progress=say)
    _show(result, opened.dictionary, to_json=given["to_json"])


def _show(result: ImportResult, book: Dictionary, *, to_json: bool) -> None:
    from recanal.cli.cohort_text import import_record, import_text

    text = import_text(result, book, codes=True)
    click.echo(json.dumps(import_record(result), indent=2) if to_json else text)
    if result.rejections.height and not result.written:
        raise CohortError("Nothing was imported: rows were rejected.", hint="Correct them, or use --accept-partial.")


def _write(file: Path, text: str) -> None:
    from recanal.interop import write_atomic

    try:
        write_atomic(file, text.encode())
    except OSError as error:
        raise OptionError(
            f"--out: {shown_name(file)!r} cannot be written: {error.strerror or 'unknown reason'}."
        ) from error
