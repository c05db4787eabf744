"""A process that is killed in the middle of an import, and processes that write at the same time."""

import signal
import subprocess
import sys
import time

import pytest

from recanal.cohort import Author, create_store, open_store, verify_store

# writes one batch, tells so, writes rows of a second transaction, and waits to be killed before that ends
DIES = """
import sys, time
import polars as pl
from recanal.cohort import Author, open_store
def rows(letter, count):
    keys = [f"{letter}{number:06d}" for number in range(count)]
    return pl.DataFrame({"patient_id": keys, "version": [1] * count, "withdrawn": [0] * count})
store = open_store(sys.argv[1])
with store.writing(Author("first")) as writer:
    writer.append("patient", rows("A", 1000), action="import")
with store.writing(Author("second")) as writer:
    writer.append("patient", rows("B", 20000), action="import")
    print("written", flush=True)
    time.sleep(60)
"""


def count(where):
    opened = open_store(str(where))
    try:
        assert verify_store(opened).sound
        return opened.counts()["patient"], len(opened.audit())
    finally:
        opened.close()


def test_killed_before_the_end_of_a_transaction(tmp_path):
    where = tmp_path / "a.db"
    create_store(str(where), Author("tester")).close()
    process = subprocess.Popen([sys.executable, "-c", DIES, str(where)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert count(where) == (1000, 2)


@pytest.mark.parametrize("seconds", [0.5, 0.8, 1.2])
def test_killed_at_any_time_during_an_import(tmp_path, seconds):
    where, file = tmp_path / "a.db", tmp_path / "patients.csv"
    create_store(str(where), Author("tester")).close()
    file.write_text("patient_id,age_years\n" + "".join(f"P{number:07d},{number % 90}\n" for number in range(150_000)))
    code = "from recanal.cli import main; main()"
    command = [sys.executable, "-c", code, "cohort", "import", str(where), str(file), "-q"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    process.kill()
    process.wait()
    assert count(where) in ((0, 1), (150_000, 2))
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert count(where) == (150_000, 2)


def test_processes_that_write_at_the_same_time(tmp_path):
    where = tmp_path / "a.db"
    create_store(str(where), Author("tester")).close()
    code = "from recanal.cli import main; main()"
    running = []
    for number in range(3):
        file = tmp_path / f"part{number}.csv"
        file.write_text("patient_id,age_years\n" + "".join(f"P{number}-{row},50\n" for row in range(5000)))
        command = [sys.executable, "-c", code, "cohort", "import", str(where), str(file), "-q"]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    assert [process.wait() for process in running] == [0, 0, 0]
    assert count(where) == (15_000, 4)
