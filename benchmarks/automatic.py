"""The automatic case: run time, memory, growth with the number of voxels, and the same steps made from library parts.

``python -m benchmarks.automatic`` writes ``docs/evidence/speed_automatic.md``.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import SimpleITK
from benchmarks.__main__ import MACHINE, mark, show
from benchmarks.parts import measured_parts

from recanal import __version__
from recanal.core.volume import Affine, Volume
from recanal.interop import write_text_atomic
from recanal.phantoms import draw_options, make_phantom
from recanal.pipeline import measure_automatic

WHOLE_S, WHOLE_MB, TIMES_FASTER = 10.0, 1800.0, 10.0
SHAPE = (300, 512, 512)
REPEATS = 3
SIZES = ((1, (1, 1, 1)), (2, (2, 1, 1)), (4, (1, 2, 2)))
PROBE = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from recanal.core.volume import Affine, Volume
from recanal.pipeline import measure_automatic
with np.load(sys.argv[1]) as held:
    volume = Volume(held["hu"], Affine(held["affine"]))
measure_automatic(volume)
times = []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    measure_automatic(volume)
    times.append(time.perf_counter() - start)
unit = 2**20 if sys.platform == "darwin" else 2**10
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = Path("/proc/self/status")
if status.is_file():  # ru_maxrss goes on from that of the process that started this one
    peak = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"times": times, "peak_mb": peak / unit, "volume_mb": volume.hu.nbytes / 2**20}))
"""


def heart(seed):
    """A whole heart of 300 slices of 512 x 512."""
    options = replace(draw_options(seed), extent="heart", tree="whole", slice_mm=0.474, occlusion=True)
    volume = make_phantom(options, seed=seed).volume
    return reshaped(volume, np.array(SHAPE) / np.array(volume.shape))


def reshaped(volume, factors):
    """The same field of view with other numbers of voxels, by linear interpolation."""
    shape = [round(n * f) for n, f in zip(volume.shape, factors, strict=True)]
    if tuple(shape) == volume.shape:
        return volume
    image = SimpleITK.GetImageFromArray(volume.hu)
    steps = [(n - 1) / (m - 1) for n, m in zip(volume.shape, shape, strict=True)]
    grid = SimpleITK.Image(shape[::-1], SimpleITK.sitkInt16)
    grid.SetSpacing(steps[::-1])
    hu = SimpleITK.GetArrayFromImage(SimpleITK.Resample(image, grid, SimpleITK.Transform(), SimpleITK.sitkLinear))
    matrix = volume.affine.matrix.copy()
    matrix[:3, :3] = matrix[:3, :3] * np.array(steps)
    return Volume(np.ascontiguousarray(hu), Affine(matrix))


def probed(volume, folder, repeats):
    """Median seconds and peak memory of a fresh process, after one run that is not counted."""
    path = folder / "volume.npz"
    np.savez(path, hu=volume.hu, affine=volume.affine.matrix)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(path), str(repeats)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the measured process failed:\n{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    path.unlink()
    return statistics.median(found["times"]), found["peak_mb"], found["volume_mb"]


def size_row(times, volume, seconds, peak_mb, volume_mb, first_s):
    ratio = seconds / first_s
    voxels = " x ".join(map(str, volume.shape))
    good = mark(ratio, times)
    return (
        f"| {times} x | {voxels} | {seconds:.1f} s | {ratio:.2f} x | {peak_mb:.0f} MB | {volume_mb:.0f} MB | {good} |"
    )


def part_row(part):
    ratio = part.peer_s / part.own_s if part.own_s else float("nan")
    alike = f"within {part.limit:g} {part.unit}".rstrip() if part.apart else "another definition"
    times = f"{part.own_s:.2f} s | {part.peer} | {part.peer_s:.2f} s | {ratio:.1f} x"
    return f"| {part.name} | {part.calls} | {times} | {alike} |"


def page(rows, whole, parts, rest_s):
    """``speed_automatic.md``."""
    seconds, peak_mb = whole
    libraries_s = rest_s + sum(part.peer_s for part in parts)
    faster = libraries_s / seconds
    day = datetime.now(UTC).date().isoformat()
    nl = "\n"
    shape = " x ".join(map(str, SHAPE[::-1]))
    asked = "reached" if faster >= TIMES_FASTER else "**short**"
    return f"""# Speed of the automatic case

Written by `python -m benchmarks.automatic` on {day}; recanal {__version__}; {MACHINE}.
A made heart with an occlusion, from the volume in memory to the measured case: quality, aorta, tree, names, occlusions,
plaque. Medians of {REPEATS} runs after one that is not counted, each size in a fresh process.

| quantity | asked | reached | |
|---|---|---|---|
| whole automatic case, {shape} | <= {WHOLE_S:.0f} s | {seconds:.1f} s | {mark(seconds, WHOLE_S)} |
| peak memory of the process, volume included | <= {WHOLE_MB:.0f} MB | {peak_mb:.0f} MB | {mark(peak_mb, WHOLE_MB)} |
| faster than the same steps made from library parts | >= {TIMES_FASTER:.0f} x | {faster:.1f} x | {asked} |

## Growth with the number of voxels

The same heart with more voxels, by interpolation. Vessels are looked for on a grid of fixed width, so time grows less
than the number of voxels; asked: not more than linear.

| voxels | shape | time | against 1 x | peak memory | volume alone | |
|---|---|---|---|---|---|---|
{nl.join(rows)}

## The same steps from library parts

Every call of a hot step is made twice on the same data, once by recanal and once by the fastest function of SimpleITK,
SciPy or scikit-image for the task. Where both give the same quantity, a difference stops the run. Libraries look at
all voxels, since theirs cannot be told to leave out fat and lung. What is no hot step ({rest_s:.1f} s) counts on both
sides. Library total: {libraries_s:.1f} s.

| step | calls | recanal | library | its time | ratio | results |
|---|---|---|---|---|---|---|
{nl.join(part_row(part) for part in parts)}

Times are sums over all calls, one call at a time; recanal's own total is shorter than the sum of this column and the
rest, since some steps run side by side.
"""


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.automatic", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/evidence/speed_automatic.md"))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--work", type=Path, default=Path(), help="folder for a volume of up to 650 MB")
    asked = parser.parse_args()
    show("machine", MACHINE)
    volume = heart(asked.seed)
    rows, first = [], None
    for times, factors in SIZES:
        larger = reshaped(volume, factors)
        seconds, peak_mb, volume_mb = probed(larger, asked.work, REPEATS)
        first = first or (seconds, peak_mb)
        rows.append(size_row(times, larger, seconds, peak_mb, volume_mb, first[0]))
        show(f"automatic case, {times} x voxels", f"{seconds:8.1f} s   {peak_mb:6.0f} MB")
        del larger
    measure_automatic(volume)
    start = time.perf_counter()
    parts = measured_parts(lambda: measure_automatic(volume))
    both_s = time.perf_counter() - start
    rest_s = both_s - sum(part.own_s + part.peer_s + part.check_s for part in parts)
    for part in parts:
        show(f"{part.name}, {part.calls} calls", f"{part.own_s:8.2f} s   {part.peer} {part.peer_s:.2f} s")
    show("all other steps", f"{rest_s:8.2f} s")
    write_text_atomic(asked.out, page(rows, first, parts, rest_s))


if __name__ == "__main__":
    main()
