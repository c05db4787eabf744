"""Stores on both databases; the PostgreSQL server is started here, on a port and a folder of its own."""

import pytest
from conftest_cohort import AUTHOR
from evidence.postgres_server import new_database, running_server

from recanal.cohort import create_store


@pytest.fixture(scope="session")
def postgres():
    """URL of a fresh server without its database name."""
    with running_server() as server:
        yield server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """Where a new store may live: a file, then a database of the server."""
    if request.param == "sqlite":
        return str(tmp_path / "cohort.db")
    return new_database(request.getfixturevalue("postgres"))


@pytest.fixture
def store(where):
    """An empty store on either database."""
    opened = create_store(where, AUTHOR)
    yield opened
    opened.close()


@pytest.fixture
def file_store(tmp_path):
    """An empty SQLite store, where the database does not matter."""
    opened = create_store(str(tmp_path / "cohort.db"), AUTHOR)
    yield opened
    opened.close()
