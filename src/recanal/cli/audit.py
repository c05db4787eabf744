"""``recanal audit``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recanal.cli.errors import RecanalCommand
from recanal.cli.progress import show_share
from recanal.errors import OptionError

if TYPE_CHECKING:
    from recanal.audit import AuditReport, Document

__all__ = ["audit"]


@click.command(cls=RecanalCommand)
@click.argument("file", metavar="[TABLES]", required=False)
@click.option("--example", metavar="NAME", help="Audit a worked example: xiao_2021 or xing_2022.")
@click.option("--template", type=click.Choice(("toml", "csv")), help="Print a file to start from.")
@click.option("--all", "show_all", is_flag=True, help="Show every row, not only those with something wrong.")
@click.option(
    "--out", metavar="DIR", type=click.Path(path_type=Path), help="Also write audit.csv and audit.html there."
)
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def audit(
    file: str | None, example: str | None, template: str | None, show_all: bool, out: Path | None, to_json: bool
) -> None:
    """Check the printed numbers in TABLES, a .toml or .csv file, against each other.

    Says for each row what is arithmetically impossible or inconsistent, and which named test gives the printed
    statistic and P value within their rounding. It says what does not fit, not who is right.

    \b
    Example:
      recanal audit --template toml > tables.toml
      recanal audit tables.toml --out audit
      recanal audit --example xiao_2021
    """  # noqa: D301
    from recanal.audit import audit_document, audit_record, template_text

    if template is not None:
        click.echo(template_text(template), nl=False)
        return
    with show_share(quiet=to_json) as say:
        report = audit_document(_document(file, example), progress=lambda done, total: say(done / total, "auditing"))
    if out is not None:
        _write(report, out)
    if to_json:
        click.echo(json.dumps(audit_record(report), indent=2, ensure_ascii=not _unicode()))
    else:
        from recanal.cli.audit_text import audit_text

        click.echo(audit_text(report, show_all=show_all))


def _document(file: str | None, example: str | None) -> Document:
    from recanal.audit import read_example, read_tables

    if (file is None) == (example is None):
        raise OptionError(
            "Name one file of tables, or one --example.", hint="`recanal audit --template toml` prints a start."
        )
    return read_example(example) if example is not None else read_tables(str(file))


def _write(report: AuditReport, folder: Path) -> None:
    from recanal.audit import audit_csv, audit_html
    from recanal.interop import write_text_atomic

    try:
        write_text_atomic(folder / "audit.csv", audit_csv(report))
        write_text_atomic(folder / "audit.html", audit_html(report))
    except OSError as error:
        raise OptionError(f"--out: {folder.name!r} cannot be written: {error.strerror or 'unknown reason'}.") from error


def _unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
