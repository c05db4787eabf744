"""A million lesions: import into both databases, baseline table, area; timed: ``python -m evidence.cohort_scale``.

Every step is the command that a user types, in a process of its own. Wall time is that of the whole process; processor
time and peak memory are those of that process, and of the database server where there is one.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evidence.postgres_server import Server, new_database, running_server
from recanal.interop import write_text_atomic

__all__ = ["Measured", "main"]

_COMMAND = "from recanal.cli import main; main(prog_name='recanal')"
_LESIONS = 1_000_000
_POLL_S = 0.1
_MB_PER_KB = 1 / 1000
_LIMITS = {"import": 60.0, "table": 10.0, "area": 2.0}
_MOST_MEMORY_MB = 2000.0

_MAKE = """
import sys
import numpy as np, polars as pl
from evidence.cohort_lesions import lesions
n, seed, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
frame = lesions(n, np.random.default_rng(seed))
frame.write_csv(folder + "/lesions.csv")
print(frame.width)
"""
_AREA = """
import sys, time
import polars as pl
from recanal.stats.roc import auc_delong
frame = pl.read_csv(sys.argv[1], columns=["j_cto_points", "ct_length_mm", "crossed_within_30_min"])
failed = 1 - frame["crossed_within_30_min"].to_numpy()
for name in ("j_cto_points", "ct_length_mm"):
    scores = frame[name].to_numpy().astype(float)
    start = time.perf_counter()
    area = auc_delong(scores, failed)
    print(f"{name} {time.perf_counter() - start:.3f} {area.auc:.4f} {area.low:.4f} {area.high:.4f}")
"""
_ROWS = (
    *("age_years", "bmi_kg_m2", "lvef_percent", "sex", "nyha_class", "presentation", "diabetes", "hypertension"),
    *("hyperlipidaemia", "smoking_history", "prior_mi", "prior_pci", "prior_cabg", "renal_disease", "vessel"),
    *("prior_failed_attempt", "in_stent", "duration_months", "ct_length_mm", "plaque_volume_mm3"),
    *("dense_calcium_percent", "fibrous_percent", "fibrofatty_percent", "necrotic_core_percent", "ct_bend_max_deg"),
    *("ct_calcification_any", "ct_blunt", "ct_j_cto_points", "blunt", "bend_over_45_deg", "calcification_any"),
    *("rentrop_grade", "j_cto_points", "guide_catheter_fr", "guidewires_count", "fluoroscopy_min", "contrast_ml"),
    *("stents_count", "technical_success", "complication"),
)


@dataclass(frozen=True)
class Measured:
    """One command.

    Parameters
    ----------
    wall_s, cpu_s
        Of the process, start and end of the interpreter included.
    memory_mb
        Peak of resident memory, together with the processes that it starts.
    server_cpu_s, server_memory_mb
        Of the database server during the command: processor time, and peak of proportional memory above its start.
    output
        What it printed.
    """

    wall_s: float
    cpu_s: float
    memory_mb: float
    server_cpu_s: float = 0.0
    server_memory_mb: float = 0.0
    output: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status, 1 where a limit was passed."""
    parser = argparse.ArgumentParser(prog="python -m evidence.cohort_scale", description=__doc__)
    parser.add_argument("--lesions", type=int, default=_LESIONS, help="how many lesions")
    parser.add_argument("--seed", type=int, default=10_000, help="of the made-up values")
    parser.add_argument("--databases", default="sqlite,postgresql", help="which, with commas")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence"), help="folder for the page")
    asked = parser.parse_args(arguments)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="recanal-scale-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        columns = int(_run([sys.executable, "-c", _MAKE, str(asked.lesions), str(asked.seed), name]).output)
        file_mb = (folder / "lesions.csv").stat().st_size / 1e6
        found = {}
        for step, one in _measure(folder, asked.databases.split(",")):
            print(f"{step}: {one.wall_s:.1f} s", file=sys.stderr, flush=True)
            found[step] = one
    page = _page(found, load=load, lesions=asked.lesions, columns=columns, file_mb=file_mb)
    write_text_atomic(asked.out / "cohort_scale.md", page)
    print(page)
    return int("SHORT" in page)


def _measure(folder: Path, databases: Sequence[str]) -> Iterator[tuple[str, Measured]]:
    """Every step by its name."""
    file = folder / "lesions.csv"
    for database in databases:
        with _place(database, folder) as (where, server):
            _run(_recanal("cohort", "init", where))
            yield f"import {database}", _run(_recanal("cohort", "import", where, str(file), "-q"), server)
            plan = _plan(folder, f'cohort = "{where}"')
            yield f"table {database}", _run(_recanal("study", str(plan), "--out", str(folder / database)), server)
            yield f"verify {database}", _run(_recanal("cohort", "verify", where, "-q"), server)
    plan = _plan(folder, 'file = "lesions.csv"')
    yield "table csv", _run(_recanal("study", str(plan), "--out", str(folder / "csv")))
    yield "area", _run([sys.executable, "-c", _AREA, str(file)])


@contextmanager
def _place(database: str, folder: Path) -> Iterator[tuple[str, Server | None]]:
    if database == "sqlite":
        yield str(folder / "cohort.db"), None
    else:
        with running_server(durable=True) as server:
            print(server.version)
            yield new_database(server.url), server


def _plan(folder: Path, source: str) -> Path:
    """A plan of one table of forty variables."""
    rows = ", ".join(f'"{name}"' for name in _ROWS)
    data = f'[data]\n{source}\npatient = "patient_id"\nlesion = "lesion_id"\n'
    table = f'[[tables]]\nid = "baseline"\nby = "crossed_within_30_min"\nrows = [{rows}]\n'
    path = folder / "plan.toml"
    path.write_text(f'title = "Scale"\n{data}{table}', encoding="utf-8")
    return path


def _recanal(*arguments: str) -> list[str]:
    return [sys.executable, "-c", _COMMAND, *arguments]


def _run(command: Sequence[str], server: Server | None = None) -> Measured:
    """A command, watched while it runs."""
    before = _server_state(server)
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        peaks = [0.0, 0.0]
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, server, peaks, done))
        watcher.start()
        output = process.stdout.read() if process.stdout else ""
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        watcher.join()
    if process.returncode:
        sys.exit(f"{' '.join(command[2:])[:200]} ended with {process.returncode}:\n{output[-2000:]}")
    after = _server_state(server)
    return Measured(
        wall_s, used.ru_utime + used.ru_stime, peaks[0], after[0] - before[0], max(0.0, peaks[1] - before[1]), output
    )


def _watch(pid: int, server: Server | None, peaks: list[float], done: threading.Event) -> None:
    """Peak memory of a process and of a server, in MB, until the process has ended."""
    while not done.wait(_POLL_S):
        peaks[0] = max(peaks[0], _memory_mb(pid, "VmHWM"), _memory_mb(pid, "VmRSS") + _children_mb(pid))
        if server is not None:
            peaks[1] = max(peaks[1], _server_state(server)[1])


def _children_mb(pid: int) -> float:
    """Peak memory of the processes that a process has started and that still run."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except OSError:
        return 0.0
    return sum(_memory_mb(int(child), "VmHWM") for child in children)


def _memory_mb(pid: int, what: str) -> float:
    """A line of the state of a process, 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    found = re.search(rf"{what}:\s+(\d+)", status)
    return int(found[1]) * _MB_PER_KB if found else 0.0


def _server_state(server: Server | None) -> tuple[float, float]:
    """Processor seconds and proportional memory in MB of a server with all its processes."""
    if server is None:
        return 0.0, 0.0
    cpu_s, memory_mb = 0.0, 0.0
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for pid in [str(server.pid), *children]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        own = fields[11:15] if pid == str(server.pid) else fields[11:13]  # the first knows those that ended
        cpu_s += sum(map(int, own)) / os.sysconf("SC_CLK_TCK")
        if found := re.search(r"Pss:\s+(\d+)", memory):
            memory_mb += int(found[1]) * _MB_PER_KB
    return cpu_s, memory_mb


def _page(found: dict[str, Measured], *, load: float, lesions: int, columns: int, file_mb: float) -> str:
    whole = lesions >= _LESIONS
    rows = [_row(name, one) if whole else _row(name, one).replace("reached", "–") for name, one in found.items()]
    rows = rows if whole else [row.replace("SHORT", "–") for row in rows]
    busy = (
        "The machine was idle." if load < 0.5 else "**The machine was shared: other programs took part of its cores.**"
    )
    lines = [
        "# A million lesions in a store",
        "",
        "Written by `python -m evidence.cohort_scale`; not edited by hand.",
        "",
        f"{lesions:,} made-up lesions, one each of as many patients, in a CSV file of {columns} columns "
        f"({file_mb:.0f} MB), imported into five tables. Each step is one command in a process of its own, the start "
        "of Python included. Processor time and peak memory are of that process and those it starts; of the "
        "PostgreSQL server they stand behind the plus sign (memory: its growth).",
        "",
        f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}; load before the run "
        f"{load:.1f} (1 minute). {busy}",
        "",
        *([] if whole else [f"**A trial with fewer lesions than the {_LESIONS:,} asked for; nothing is judged.**", ""]),
        "| step | wall, s | asked, s | processor, s | peak memory, MB (asked: 2000) | |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
        "The table holds 40 variables by two groups with tests and standardised differences; its time includes reading "
        "all lesions from the store or the file and writing Word, HTML, LaTeX, CSV and JSON.",
        "",
    ]
    return "\n".join(lines)


_WORDS = {"import": "import", "verify": "verify every row", "table": "baseline table, 40 variables"}


def _row(name: str, one: Measured) -> str:
    if name == "area":
        lines = [line.split() for line in one.output.splitlines()]
        wall_s = max(float(line[1]) for line in lines)
        what = "area with DeLong's interval (the call alone; the slower of a score and a length)"
        cells = [what, f"{wall_s:.2f}", f"{_LIMITS['area']:g}", "", f"{one.memory_mb:.0f}"]
        return _judged(cells, wall_s <= _LIMITS["area"] and one.memory_mb <= _MOST_MEMORY_MB)
    step, where = name.split()
    limit = _LIMITS.get(step)
    cpu = f"{one.cpu_s:.1f}" + (f" + {one.server_cpu_s:.1f}" if one.server_cpu_s else "")
    memory = f"{one.memory_mb:.0f}" + (f" + {one.server_memory_mb:.0f}" if one.server_memory_mb else "")
    cells = [f"{_WORDS[step]}, {where}", f"{one.wall_s:.1f}", f"{limit:g}" if limit else "–", cpu, memory]
    good = one.memory_mb + one.server_memory_mb <= _MOST_MEMORY_MB and (limit is None or one.wall_s <= limit)
    return _judged(cells, good)


def _judged(cells: Sequence[str], good: bool) -> str:
    return f"| {' | '.join(cells)} | {'reached' if good else 'SHORT'} |"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1].strip() if found else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
