"""What a user waits for: imports and commands, each in a fresh process."""

import os
import statistics
import subprocess
import sys
import time

REPEATS = 5
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


def command(*arguments, cache=None):
    """Run one ``recanal`` command; give its wall time in seconds and its peak memory in MB.

    Parameters
    ----------
    cache
        Folder for compiled kernels; the usual one when None.
    """
    start = time.perf_counter()
    run = [sys.executable, "-c", PEAK, COMMAND, *map(str, arguments)]
    where = dict(os.environ) if cache is None else {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=where)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 3):
        sys.exit(f"recanal {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr}")
    return seconds, float(done.stderr.rsplit("peak", 1)[1])
