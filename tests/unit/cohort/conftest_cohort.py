"""What the tests of the store share."""

import uuid

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


def new_database(server):
    """URL of an empty database on a server."""
    import pg8000.dbapi

    name = f"t{uuid.uuid4().hex}"
    host, port = server.rsplit("@", 1)[1].split(":")
    connection = pg8000.dbapi.connect("tester", host=host, port=int(port), database="postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {name}")
    connection.close()
    return f"{server}/{name}"
