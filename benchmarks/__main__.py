"""Run times and memory of what a user waits for: ``make bench``.

Commands run in fresh processes, as a user starts them: times are wall times, memory is the peak of the process. Hot
steps run in this process, each beside the best library for the same task; medians of three.
"""

import argparse
import json
import os
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.commands import command, import_ms
from benchmarks.steps import all_steps

from recanal import __version__
from recanal.interop import write_text_atomic

STUDY = ("--seed", "7", "--extent", "heart", "--slice-mm", "0.474", "--no-decoys")
PEAK_MB = 1200
FIRST_S = 45
MACHINE = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def show(name, value):
    print(f"{name:<44}{value}", flush=True)


def mark(value, limit):
    return "reached" if value <= limit else "**short**"


def commands(study, truth, folder):
    """Rows of the table of commands: name, seconds, MB, asked, mark."""
    seeds = [f"--{end}={','.join(map(str, truth[f'{end}_seed_mm']))}" for end in ("proximal", "distal")]
    rows = []
    for label, asked_s in (("first run, no compiled kernels", FIRST_S), ("second process", None)):
        seconds, peak_mb = command("analyze", study, "--out", folder / "result", *seeds, cache=folder / "kernels")
        show(f"recanal analyze, {label}", f"{seconds:8.1f} s   {peak_mb:6.0f} MB")
        asked = f"<= {PEAK_MB} MB" if asked_s is None else f"<= {asked_s} s, <= {PEAK_MB} MB"
        good = peak_mb <= PEAK_MB and (asked_s is None or seconds <= asked_s)
        rows.append(
            f"| `recanal analyze`, {label} | {seconds:.1f} s | {peak_mb:.0f} MB | {asked} | {mark(int(not good), 0)} |"
        )
    return rows


def show_step(step):
    best = step.best
    ratio = f"   {step.own_s / best[1]:5.2f} x {best[0]} ({1000 * best[1]:.1f} ms)" if best else ""
    show(step.name, f"{1000 * step.own_s:8.1f} ms{ratio}")


def step_row(step):
    others = "; ".join(f"{name} {1000 * s:.1f} ms" for name, s in sorted(step.libraries_s.items(), key=lambda x: x[1]))
    ratio = f"{step.own_s / step.best[1]:.2f}" if step.best else ""
    return f"| {step.name} | {1000 * step.own_s:.1f} ms | {others} | {ratio} | {step.note} |"


def page(imports, runs, steps):
    """``speed.md``."""
    day = datetime.now(UTC).date().isoformat()
    nl = "\n"
    return f"""# Speed and memory

Written by `make bench` on {day}; recanal {__version__}; {MACHINE}. Times of a machine with other work vary by a
factor of two: read the ratios, which were measured in the same minutes.

## Commands

A study of 512 x 512 x 300 voxels at heart extent, read from 300 uncompressed DICOM files to the report, in a fresh
process. Compiled kernels are kept on disk after the first run.

| command | time | peak memory | asked | |
|---|---|---|---|---|
{nl.join(runs)}

{imports}

## Hot steps

Medians of three runs after one that is not counted. A ratio below 1 means faster than the fastest library in the row.
recanal runs on one core; SimpleITK may use every core.

| step | recanal | libraries, same data and same task | ratio | |
|---|---|---|---|---|
{nl.join(step_row(step) for step in steps)}

Reading is compared with reading the same bytes without looking at them.
"""


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/speed.md"))
    parser.add_argument("--study", type=Path, help="an earlier `recanal phantom` folder; made when not given")
    asked = parser.parse_args()
    show("machine", MACHINE)
    light, door = import_ms("recanal"), import_ms("recanal.cli")
    imports = f"`import recanal` takes {light:.0f} ms (asked: less than 300 ms), `import recanal.cli` {door:.0f} ms."
    show("import recanal", f"{light:8.1f} ms")
    show("import recanal.cli", f"{door:8.1f} ms")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = asked.study or folder / "study"
        if asked.study is None:
            seconds, peak_mb = command("phantom", "--out", study, *STUDY, "-q")
            show("recanal phantom, heart extent", f"{seconds:8.1f} s   {peak_mb:6.0f} MB")
        truth = json.loads((study / "truth.json").read_text(encoding="utf-8"))
        runs = commands(study, truth, folder)
        steps = all_steps(study, truth, show_step)
    write_text_atomic(asked.out, page(imports, runs, steps))


if __name__ == "__main__":
    main()
