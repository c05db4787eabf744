"""A store and REDCap: an export taken in, rows given out, a project compared with the dictionary."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from recanal.cohort.exporting import instances, table_frames
from recanal.cohort.importing import ImportOptions, ImportResult, import_rows
from recanal.cohort.redcap_api import RedcapProject
from recanal.cohort.store import Author, Store
from recanal.errors import CohortError
from recanal.variables import (
    Dictionary,
    Progress,
    ReadOptions,
    check_rows,
    checked_together,
    project_fields,
    quiet,
    read_csv,
    records_csv,
    records_tables,
    redcap_mismatches,
)

__all__ = ["check_redcap", "import_redcap", "redcap_csv"]


def import_redcap(
    store: Store,
    data: bytes,
    *,
    author: Author,
    event: str = "",
    how: ImportOptions = ImportOptions(),  # noqa: B008
    progress: Progress = quiet,
) -> ImportResult:
    """Import a REDCap export: CSV with raw codes and raw headers, as its web page or :class:`RedcapProject` gives it.

    Parameters
    ----------
    store
        The store.
    data
        The file.
    author, how, progress
        As in :func:`import_source`.
    event
        Which event of a longitudinal project.

    Raises
    ------
    CohortError
        Where the export cannot be used as a whole; single rows are rejected in the result.
    """
    options = ReadOptions(codes=True)
    raw = read_csv(data, replace(options, separator=","), name="the REDCap export", shielded=False)
    tables = records_tables(raw, store.dictionary, event=event)
    progress(0.1, "checking")
    checked = checked_together([check_rows(table, store.dictionary, options) for table in tables])
    detail = {"file_sha256": hashlib.sha256(data).hexdigest(), "source": "REDCap", "rows_read": raw.frame.height}
    result = import_rows(store, checked, author=author, how=how, detail=detail, progress=progress)
    return replace(result, rows_count=raw.frame.height)


def redcap_csv(store: Store) -> str:
    """The present rows of the patients' tables as REDCap imports them."""
    return records_csv(table_frames(store), instances(store), store.dictionary)


def check_redcap(project: RedcapProject, dictionary: Dictionary, *, sending: bool = False) -> None:
    """Refuse a project whose codes mean something else than the dictionary's.

    Parameters
    ----------
    project, dictionary
        What is compared.
    sending
        Whether rows are to be sent: then every instrument but the first must repeat.

    Raises
    ------
    CohortError
        Naming the first field that differs, or the first instrument that does not repeat.
    """
    fields = project_fields(dictionary)
    metadata = project.metadata()
    wrong = redcap_mismatches(metadata, fields)
    if wrong:
        raise CohortError(
            f"The REDCap project differs in {len(wrong)} fields. {wrong[0]}.", hint="Upload the dictionary's own file."
        )
    if sending:
        needed = {field.table for field in fields[1:]} - {fields[0].table}
        single = sorted({row.get("form_name", "") for row in metadata} & needed - project.repeating())
        if single:
            raise CohortError(
                f"The instrument {single[0]} does not repeat in the REDCap project.",
                hint="Enable repeating instruments in the project's setup.",
            )
