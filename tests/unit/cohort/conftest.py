"""Stores on both databases; the PostgreSQL server is started here, on a port and a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest_cohort import AUTHOR, new_database

from recanal.cohort import create_store


def _binaries():
    """Folder of initdb and postgres, or None."""
    places = [shutil.which("initdb"), *map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    found = [Path(place).resolve().parent for place in places if place]
    return next((folder for folder in found if (folder / "postgres").is_file()), None)


def _unprivileged():
    """Arguments that run a server as a user who is not root, which PostgreSQL insists on; None where there is none."""
    if os.getuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return None


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def postgres():
    """URL of a fresh server without its database name."""
    pytest.importorskip("pg8000")
    folder, who = _binaries(), _unprivileged()
    if folder is None or who is None:
        pytest.skip("no PostgreSQL server on this machine (initdb, postgres)")
    place = Path(tempfile.mkdtemp(prefix="recanal-pg-"))
    port = _free_port()
    if who:
        os.chown(place, who["user"], who["group"])
    quiet = {"capture_output": True, "cwd": place, **who}
    data = place / "data"
    try:
        subprocess.run(
            [folder / "initdb", "-D", data, "-U", "tester", "-A", "trust", "-E", "UTF8", "-N"], check=True, **quiet
        )
        settings = (
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={place}",
            "fsync=off",
            "full_page_writes=off",
        )
        options = " ".join([f"-p {port}", *(f"-c {setting}" for setting in settings)])
        start = [folder / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", place / "log", "-o", options, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place, **who)
        yield f"postgresql://tester@127.0.0.1:{port}"
    finally:
        subprocess.run([folder / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(place, ignore_errors=True)


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
