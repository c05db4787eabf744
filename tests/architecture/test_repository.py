"""The repository speaks of the product alone, and its locks are complete."""

import re
import tomllib
from itertools import chain

import house
import pytest

SEPARATOR = "://"
NOT_HERE = (
    *("/wo" + "rk/", "/tmp/bash" + "_jobs"),
    *("pyp" + "i.org", "files.python" + "hosted", "registry.np" + "mjs", "deb.deb" + "ian"),
)
LOCKS = [house.ROOT / "requirements" / name for name in ("run.txt", "dev.txt")]
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?P<rest>(?:.*\\\n)*.*)", re.MULTILINE)


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path):
    """{(name, version): marker and hashes} of a lock."""
    return {(normal(m["name"]), m["version"]): m["rest"] for m in PIN.finditer(path.read_text(encoding="utf-8"))}


def test_no_file_names_a_machine_or_a_registry():
    found = {
        str(path.relative_to(house.ROOT)): word
        for path in house.repository_files()
        for word in NOT_HERE
        if word in house.words_of(path)
    }
    assert found == {}


def test_the_rule_looks_at_the_files_that_matter():
    names = {str(path.relative_to(house.ROOT)) for path in house.repository_files()}
    assert {"requirements/dev.txt", "docs/conf.py", "src/recanal/errors.py"} <= {n.replace("\\", "/") for n in names}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_hold_exact_versions_hashes_and_no_address(lock):
    text = lock.read_text(encoding="utf-8")
    assert SEPARATOR not in text
    lines = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(lines) == len(pins(lock)) > 20
    assert all("--hash=sha256:" in rest for rest in pins(lock).values())


def test_the_development_lock_holds_the_run_lock():
    run, dev = (pins(lock) for lock in LOCKS)
    assert set(run) < set(dev)


def declared():
    """Names of the run-time dependencies, and of those for development."""
    project = tomllib.loads(house.text_of(house.ROOT / "pyproject.toml"))["project"]
    groups = [project["dependencies"], chain.from_iterable(project["optional-dependencies"].values())]
    return [{normal(re.split(r"[<>=;~! \[]", entry)[0]) for entry in group} for group in groups]


def test_every_declared_dependency_is_locked():
    run, dev = ({name for name, _ in pins(lock)} for lock in LOCKS)
    needed_to_run, needed_to_develop = declared()
    assert needed_to_run - run == set(), "run `make lock`"
    assert (needed_to_run | needed_to_develop) - dev == set(), "run `make lock`"


def test_every_dependency_has_its_licence_on_record():
    page = normal(house.text_of(house.ROOT / "docs" / "dependencies.md"))
    assert {name for name in set.union(*declared()) if f"| {name} |" not in page} == set()


def test_files_are_small():
    assert [path.name for path in house.repository_files() if path.stat().st_size > 1_000_000] == []
