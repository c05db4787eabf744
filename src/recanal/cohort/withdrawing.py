"""Rows taken out of use: they stay in the history and leave every view and export."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recanal.cohort.store import Author, Store, Writer
from recanal.errors import CohortError
from recanal.variables import Table

__all__ = ["withdraw_rows"]


def withdraw_rows(store: Store, table: str, keys: Sequence[str], *, author: Author, children: bool = False) -> int:
    """Withdraw rows, such as those of a patient who takes consent back; the number of rows withdrawn is returned.

    Parameters
    ----------
    store
        The store.
    table, keys
        Which rows.
    author
        Who, with the reason.
    children
        Whether all that hangs on the rows (lesions, procedures, ...) is withdrawn as well.

    Raises
    ------
    CohortError
        Where the reason is missing, a key is not there, or rows hang on them and ``children`` is not set.
    """
    if not author.reason:
        raise CohortError("A withdrawal needs a reason.", hint="Give --reason.")
    with store.writing(author) as writer:
        present = writer.present(table)
        home = store.dictionary.table(table)
        missing = len(set(keys) - set(present[home.key]))
        if missing:
            raise CohortError(f"{missing} of the keys are not in the table {table}.", hint="Nothing was withdrawn.")
        return _withdraw(writer, home, present.filter(pl.col(home.key).is_in(list(keys))), children)


def _withdraw(writer: Writer, table: Table, rows: pl.DataFrame, children: bool) -> int:
    """Withdraw rows after what hangs on them."""
    count = 0
    for child in writer.dictionary.children(table.name):
        present = writer.present(child.name)
        hanging = present.filter(pl.col(table.key).is_in(rows[table.key].implode()))
        if hanging.height and not children:
            raise CohortError(f"{hanging.height} rows of {child.name} hang on them.", hint="Use --children.")
        if hanging.height:
            count += _withdraw(writer, child, hanging, children)
    if rows.height:
        gone = rows.with_columns(pl.col("version") + 1, pl.lit(1, dtype=pl.Int64).alias("withdrawn"))
        writer.append(table.name, gone, action="withdraw")
    return count + rows.height
