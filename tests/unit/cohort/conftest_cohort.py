"""What the tests of the store share."""

from recanal.cohort import Author, ImportOptions, import_rows
from recanal.variables import ReadOptions, check_rows, read_csv

AUTHOR = Author("tester", "test")
WHY = Author("tester", "consent withdrawn")


def put(store, text, *, table="", how=None, author=AUTHOR):
    """Import rows of text."""
    raw = read_csv(text.encode(), ReadOptions(), table=table)
    checked = check_rows(raw, store.dictionary, ReadOptions())
    return import_rows(store, checked, author=author, how=how or ImportOptions())


def rejected(result):
    """(row, column, rule) of each rejection."""
    return result.rejections.select("row", "column", "rule").rows()
