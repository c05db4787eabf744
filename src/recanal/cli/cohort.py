"""``recanal cohort``: the store of patients, lesions, procedures and follow-up."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from contextlib import closing
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recanal.cli.cohort_options import (
    author_of,
    author_options,
    read_options,
    read_options_of,
    write_options,
    write_options_of,
)
from recanal.cli.cohort_redcap import redcap
from recanal.cli.crash import CarefulGroup, debug_option
from recanal.cli.errors import RecanalCommand
from recanal.cli.progress import show_share
from recanal.errors import CohortError, OptionError, install_hint, shown_name

if TYPE_CHECKING:
    from recanal.variables import Dictionary

__all__ = [
    "attach_file",
    "check_file",
    "cohort",
    "export_files",
    "import_file",
    "init_store",
    "make_form",
    "print_codebook",
    "print_log",
    "verify",
    "withdraw",
]

_NEEDED = ("polars", "sqlalchemy", "openpyxl", "pyreadstat")
_EXAMPLE = """\b
Example:
  recanal cohort init study.db
  recanal cohort import study.db lesions.csv
  recanal cohort export study.db --out tables
"""


class _NeedingGroup(CarefulGroup):
    """A group that says which packages are missing before a command runs."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command, where all packages are there."""
        missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
        if missing:
            click.echo(f"recanal: cohort needs {', '.join(missing)}. {install_hint('cohort')}", err=True)
            ctx.exit(2)
        return super().invoke(ctx)


@click.group(cls=_NeedingGroup, epilog=_EXAMPLE)
def cohort() -> None:
    """Keep patients, lesions, procedures and follow-up in a store, with proof of what was written.

    STORE is a file (SQLite) or postgresql://user@host/database. `recanal cohort codebook` shows every variable.
    """


cohort.add_command(redcap)


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command of the group that tells errors in one line."""

    def make(function: Callable[..., None]) -> click.Command:
        return cohort.command(name, cls=RecanalCommand)(debug_option(function))

    return make


@_command("init")
@click.argument("store")
@click.option("--extend", metavar="FILE", type=click.Path(path_type=Path), help="TOML file with further variables.")
@author_options
def init_store(store: str, extend: Path | None, **author: str) -> None:
    """Make a STORE, or add the variables that a newer dictionary has.

    \b
    Example:
      recanal cohort init study.db
      recanal cohort init postgresql://writer@db.example.org/study --extend my_variables.toml
    """  # noqa: D301
    from recanal.cohort import create_store

    with closing(create_store(store, author_of(author), dictionary=_book(extend))) as opened:
        tables = len(opened.dictionary.tables)
        count = sum(len(table.variables) for table in opened.dictionary)
    click.echo(f"The store is ready: {tables} tables, {count} variables.")


@_command("import")
@click.argument("store")
@click.argument("file", type=click.Path(path_type=Path))
@read_options
@click.option("--update", is_flag=True, help="Let keys that the store holds get a new version; needs --reason.")
@click.option("--blanks-overwrite", is_flag=True, help="In an update, let an empty cell make a value unknown.")
@click.option("--accept-partial", is_flag=True, help="Take the good rows where others are rejected.")
@click.option("--create-parents", is_flag=True, help="Make patients and lesions of which the file has the key alone.")
@click.option(
    "--rejected", metavar="FILE", type=click.Path(path_type=Path), help="Write the rejected rows there (CSV)."
)
@author_options
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def import_file(store: str, file: Path, rejected: Path | None, quiet: bool, to_json: bool, **given: Any) -> None:
    """Import FILE into STORE: all of its rows, or, where a row is rejected, none.

    FILE is .csv, .xlsx, .parquet, .sav or .dta, or a folder with one file per table. A file named like a table
    (lesion.csv) holds that table; any other is flat: one row per lesion, with the columns of its patient and procedure.

    \b
    Example:
      recanal cohort import study.db lesions.csv --rejected rejected.csv
      recanal cohort import study.db export.csv --separator ';' --decimal , --dates dmy --encoding cp1252
      recanal cohort import study.db corrected.xlsx --update --reason "source data check of May"
    """  # noqa: D301
    from recanal.cli.cohort_text import import_record, import_text
    from recanal.cohort import ImportOptions, import_source, open_store
    from recanal.variables import rejections_csv

    how = ImportOptions(
        *(given.pop(name) for name in ("update", "blanks_overwrite", "accept_partial", "create_parents"))
    )
    with closing(open_store(store)) as opened, show_share(quiet=quiet or to_json) as say:
        options = read_options_of(given, opened.dictionary)
        result = import_source(opened, file, options, author=author_of(given), how=how, progress=say)
    if rejected is not None:
        _write(rejected, rejections_csv(result.rejections))
    text = import_text(result, opened.dictionary, codes=options.codes)
    click.echo(json.dumps(import_record(result), indent=2) if to_json else text)
    if result.rejections.height and not result.written:
        raise CohortError("Nothing was imported: rows were rejected.", hint="Correct them, or use --accept-partial.")


@_command("check")
@click.argument("file", type=click.Path(path_type=Path))
@read_options
@click.option("--extend", metavar="FILE", type=click.Path(path_type=Path), help="TOML file with further variables.")
@click.option(
    "--rejected", metavar="FILE", type=click.Path(path_type=Path), help="Write the rejected rows there (CSV)."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def check_file(
    file: Path, extend: Path | None, rejected: Path | None, quiet: bool, to_json: bool, **given: Any
) -> None:
    """Check the rows of FILE against the data dictionary; nothing is stored.

    \b
    Example:
      recanal cohort check lesions.csv
    """  # noqa: D301
    from recanal.cli.cohort_text import check_record, check_text
    from recanal.variables import check_source, rejections_csv

    book = _book(extend)
    with show_share(quiet=quiet or to_json) as say:
        checked = check_source(file, book, read_options_of(given, book), progress=say)
    if rejected is not None:
        _write(rejected, rejections_csv(checked.rejections))
    click.echo(
        json.dumps(check_record(checked), indent=2) if to_json else check_text(checked, book, codes=given["codes"])
    )
    if checked.rejections.height:
        count = checked.rejections["row"].n_unique()
        raise CohortError(f"{count} of {checked.rows_count} rows would be rejected.")


@_command("export")
@click.argument("store")
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder for the files.")
@click.option(
    "--format", "fmt", default="csv", show_default=True, help="csv, xlsx, parquet, sav (SPSS) or dta (Stata)."
)
@click.option("--flat", is_flag=True, help="One table with a row per lesion, instead of one file per table.")
@click.option("--derived", is_flag=True, help="With --flat: add the derived variables (eGFR, BSA, ...).")
@click.option("--tables", default="", metavar="A,B", help="Only these tables.")
@write_options
@author_options
def export_files(store: str, out: Path, fmt: str, flat: bool, derived: bool, tables: str, **given: Any) -> None:
    """Export the present rows of STORE; importing the files into an empty store gives the same rows.

    An earlier export in DIR is replaced whole: export.json there says which files are its own. A file of another
    origin, or one that was changed since, is never touched.

    \b
    Example:
      recanal cohort export study.db --out tables --format parquet
      recanal cohort export study.db --out spss --format sav --flat --derived
    """  # noqa: D301
    from recanal.cohort import flat_frame, open_store, table_frames
    from recanal.interop import ResultFolder
    from recanal.interop.earlier_exports import EXPORT_RECORD, check_export_folder, earlier_export, export_record
    from recanal.variables import write_frames

    names = tuple(name.strip() for name in tables.split(",") if name.strip())
    if derived and not flat:
        raise OptionError("--derived needs --flat: a derived variable may take columns of several tables.")
    with closing(open_store(store)) as opened:
        frames = {"flat": flat_frame(opened, names, derived=derived)} if flat else table_frames(opened, names)
        earlier = earlier_export(out)
        with ResultFolder(out, seal=EXPORT_RECORD, replaces=[escape(name) for name in earlier]) as folder:
            place = folder.path("staging").parent
            written = write_frames(frames, place, fmt, opened.dictionary, write_options_of(given))
            check_export_folder(out, earlier, written)
            folder.write_json(EXPORT_RECORD, export_record(place, written))
        counts = {name: frame.height for name, frame in frames.items()}
        opened.note(author_of(given), "export", {"format": fmt, "rows": counts, "files": written})
    click.echo("\n".join(f"{name}: {count} rows" for name, count in counts.items()))


@_command("codebook")
@click.option("--store", default="", help="The dictionary of a store; the shipped one otherwise.")
@click.option("--extend", metavar="FILE", type=click.Path(path_type=Path), help="TOML file with further variables.")
@click.option("--format", "fmt", type=click.Choice(("md", "html", "csv")), default="md", show_default=True)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write there instead of printing.")
def print_codebook(store: str, extend: Path | None, fmt: str, out: Path | None) -> None:
    """Print every variable: label, type, unit, range, choices with their codes, timing and source.

    \b
    Example:
      recanal cohort codebook --format html --out codebook.html
    """  # noqa: D301
    from recanal.cohort import open_store
    from recanal.variables import codebook_frame, codebook_html, codebook_markdown

    book = open_store(store).dictionary if store else _book(extend)
    if fmt == "csv":
        text = codebook_frame(book).write_csv()
    else:
        text = codebook_html(book) if fmt == "html" else codebook_markdown(book)
    if out is None:
        click.echo(text, nl=False)
    else:
        _write(out, text.encode())


@_command("form")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The workbook (.xlsx).")
@click.option("--tables", default="", metavar="A,B", help="Only these tables.")
def make_form(out: Path, tables: str) -> None:
    """Make an Excel workbook to type rows into, with lists of choices and limits of numbers.

    \b
    Example:
      recanal cohort form --out form.xlsx --tables patient,lesion,procedure
    """  # noqa: D301
    import tempfile

    from recanal.variables import entry_form

    names = tuple(name.strip() for name in tables.split(",") if name.strip())
    with tempfile.TemporaryDirectory() as place:
        entry_form(_book(None), names, Path(place) / "form.xlsx")
        _write(out, (Path(place) / "form.xlsx").read_bytes())


@_command("attach")
@click.argument("store")
@click.argument("lesion")
@click.argument("case", type=click.Path(path_type=Path))
@click.option("--case-lesion", default="", metavar="ID", help="Which lesion of the case, where it has several.")
@click.option("--despite", default="", metavar="REASON", help="Why the case is right all the same; kept in the trail.")
@author_options
def attach_file(store: str, lesion: str, case: Path, case_lesion: str, despite: str, **author: str) -> None:
    """Attach CASE, a case.json of `recanal analyze`, to a LESION of STORE as a CT reading.

    Refused without --despite: a case of another vessel than the lesion's, of a phantom, or not to be trusted.

    \b
    Example:
      recanal cohort attach study.db L0001 result/case.json
      recanal cohort attach study.db L0001 demo/result/case.json --despite "training with a phantom"
    """  # noqa: D301
    from recanal.cohort import attach_case, check_case, open_store

    try:
        text = case.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(f"{shown_name(case)}: cannot be read.") from error
    check_case(text, called=repr(shown_name(case)))
    with closing(open_store(store)) as opened:
        key = attach_case(opened, lesion, text, author=author_of(author), case_lesion=case_lesion, despite=despite)
    click.echo(f"CT reading {key}")


@_command("withdraw")
@click.argument("store")
@click.argument("table")
@click.argument("keys", type=click.Path(path_type=Path))
@click.option("--children", is_flag=True, help="Withdraw what hangs on the rows as well.")
@author_options
def withdraw(store: str, table: str, keys: Path, children: bool, **author: str) -> None:
    """Take rows of TABLE out of use: those whose keys stand in the file KEYS, one in a line.

    They leave every view and export; the history keeps them.

    \b
    Example:
      recanal cohort withdraw study.db patient keys.txt --children --reason "consent withdrawn"
    """  # noqa: D301
    from recanal.cohort import open_store, withdraw_rows

    try:
        wanted = keys.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(f"{shown_name(keys)}: cannot be read.") from error
    with closing(open_store(store)) as opened:
        count = withdraw_rows(opened, table, wanted, author=author_of(author), children=children)
    click.echo(f"{count} rows withdrawn.")


@_command("verify")
@click.argument("store")
@click.option(
    "--head", default="", metavar="HASH", help="A hash noted earlier, which must still be in the audit trail."
)
@click.option("--show-keys", is_flag=True, help="Print the pseudonyms of the rows that do not fit.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def verify(store: str, head: str, show_keys: bool, quiet: bool, to_json: bool) -> None:
    """Prove that STORE holds what was written and nothing else; name every row that was changed, removed or added.

    Keep the hash that is printed outside the store: with --head it proves later that nothing was cut off.

    \b
    Example:
      recanal cohort verify study.db
    """  # noqa: D301
    from recanal.cli.cohort_text import verify_record, verify_text
    from recanal.cohort import open_store, verify_store

    with closing(open_store(store)) as opened, show_share(quiet=quiet or to_json) as say:
        result = verify_store(opened, head=head, progress=say)
    record = verify_record(result, show_keys=show_keys)
    click.echo(json.dumps(record, indent=2) if to_json else verify_text(record))
    if not result.sound:
        raise CohortError("The store is not as it was written.")


@_command("log")
@click.argument("store")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def print_log(store: str, to_json: bool) -> None:
    """Print the audit trail of STORE: who did what, when and why.

    \b
    Example:
      recanal cohort log study.db
    """  # noqa: D301
    from recanal.cli.cohort_text import log_text
    from recanal.cohort import open_store

    with closing(open_store(store)) as opened:
        entries = opened.audit()
    click.echo(json.dumps(entries, indent=2) if to_json else log_text(entries))


def _book(extend: Path | None) -> Dictionary:
    from recanal.variables import extended, load_dictionary

    return load_dictionary() if extend is None else extended(load_dictionary(), extend)


def _write(file: Path, data: bytes) -> None:
    from recanal.interop import write_atomic

    try:
        write_atomic(file, data)
    except OSError as error:
        raise OptionError(f"{shown_name(file)!r} cannot be written: {error.strerror or 'unknown reason'}.") from error
