"""Run times and memory of what a user waits for: ``make bench``.

Each command runs in a fresh process, as a user starts it. Times are wall times; memory is the peak of the process.
The first analysis on a machine compiles kernels, so the analysis is run twice and both times are shown.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPEATS = 9
COMMAND = "from recanal.cli import main; main(prog_name='recanal')"
PEAK = """
import resource, sys
code, sys.argv = sys.argv[1], ["recanal", *sys.argv[2:]]
try:
    exec(code)
finally:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("peak", peak / (2**20 if sys.platform == "darwin" else 2**10), file=sys.stderr)
"""


def wall_s(code):
    """Seconds that a fresh interpreter needs for a piece of code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def import_ms(module):
    """Median time to import a module, less that of starting the interpreter."""
    gaps = [wall_s(f"import {module}") - wall_s("pass") for _ in range(REPEATS)]
    return 1000 * statistics.median(gaps)


def command(*arguments):
    """Run one ``recanal`` command; give its wall time in seconds and its peak memory in MB."""
    start = time.perf_counter()
    run = [sys.executable, "-c", PEAK, COMMAND, *map(str, arguments)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 3):
        sys.exit(f"recanal {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return seconds, float(done.stderr.rsplit("peak", 1)[1])


def show(name, value):
    print(f"{name:<44}{value}", flush=True)


def main():
    show(
        "machine",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    )
    show("import recanal", f"{import_ms('recanal'):8.1f} ms")
    show("import recanal.cli", f"{import_ms('recanal.cli'):8.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        study, result = Path(folder) / "study", Path(folder) / "result"
        seconds, peak_mb = command("phantom", "--out", study, "--seed", "7")
        show("recanal phantom", f"{seconds:8.1f} s   {peak_mb:6.0f} MB")
        truth = json.loads((study / "truth.json").read_text(encoding="utf-8"))
        seeds = [f"--{end}={','.join(map(str, truth[f'{end}_seed_mm']))}" for end in ("proximal", "distal")]
        for label in ("first run", "second run"):
            seconds, peak_mb = command("analyze", study, "--out", result, *seeds)
            show(f"recanal analyze, {label}", f"{seconds:8.1f} s   {peak_mb:6.0f} MB")


if __name__ == "__main__":
    main()
