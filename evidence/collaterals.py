"""Collateral connections of phantoms against their truth: ``python -m evidence.collaterals``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from evidence.pages import written_by
from evidence.tree_study import options_of
from recanal.collaterals.connections import Connection
from recanal.errors import OptionError
from recanal.interop import write_text_atomic
from recanal.phantoms import Phantom, PhantomOptions, make_phantom
from recanal.phantoms.options import stream
from recanal.pipeline.automatic import measure_automatic

__all__ = ["judged", "main", "page", "run_case"]

FIRST_SEED = 16_100
NEAR_MM = 1.5
END_MM = 6.0
FOUND_SHARE = 0.5
TOUCHED_SHARE = 0.2
DIAMETERS_MM = (0.8, 1.7)
KINDS = ("epicardial", "septal")
Row = dict[str, Any]


def drawn(seed: int, kind: str | None) -> Phantom | None:
    """A whole heart with a connection of this kind, or of the other where this one has no room; None without either."""
    options = options_of(seed, number=0)
    filling = "good" if options.distal_filling == "none" else options.distal_filling
    options = replace(options, occlusion=True, distal_filling=filling)
    if kind is None:
        return make_phantom(options, seed=seed)
    diameter = float(stream(seed, 32).uniform(*DIAMETERS_MM))
    for name in (kind, *(other for other in KINDS if other != kind)):
        try:
            wanted: PhantomOptions = replace(options, collateral=name, collateral_diameter_mm=diameter)
            return make_phantom(wanted, seed=seed)
        except OptionError:
            continue
    return None


def judged(phantom: Phantom, connections: Sequence[Connection]) -> Row:
    """What was found of the true connection, and what else was found."""
    line = phantom.truth.connection
    lines = [np.array(one.points_mm) for one in connections]
    row: Row = {"candidates": len(lines), "kind": "none", "false": len(lines)}
    if line is None:
        return row
    step = np.linalg.norm(np.diff(line.points_mm, axis=0), axis=1)
    arc = np.append(0.0, np.cumsum(step))
    inner = line.points_mm[(arc > END_MM) & (arc < arc[-1] - END_MM)]
    shares = [float((cKDTree(points).query(inner)[0] < NEAR_MM).mean()) for points in lines]
    best = int(np.argmax(shares)) if shares else -1
    found = best >= 0 and shares[best] >= FOUND_SHARE
    row |= {
        "kind": line.name,
        "diameter_mm": 2 * float(line.lumen_radius_mm.mean()),
        "length_mm": float(arc[-1]),
        "found": found,
        "false": sum(share < TOUCHED_SHARE for share in shares),
    }
    if found:
        row |= {"found_diameter_mm": connections[best].diameter_mm, "found_kind": connections[best].course}
        row["found_length_mm"] = connections[best].length_mm
    return row


def run_case(task: tuple[int, str | None]) -> Row:
    """One heart drawn, analysed and judged; a crash is told and hides nothing."""
    seed, kind = task
    try:
        phantom = drawn(seed, kind)
        if phantom is None:
            return {"case": seed, "skipped": "no room for a connection"}
        result = measure_automatic(phantom.volume)
    except Exception as crash:  # noqa: BLE001
        return {"case": seed, "crash": f"{type(crash).__name__}: {crash}"}
    supplies = [one for one in result.collaterals if one.connections is not None]
    target = [one for one in supplies if _vessel(result.lesions, one.lesion) == phantom.truth.vessel]
    row = {"case": seed, "noise_hu": phantom.truth.options.noise_hu, "occlusion_found": bool(target)}
    return row | judged(phantom, [c for one in supplies for c in one.connections or ()])


def _vessel(lesions: Sequence[Any], name: str) -> str | None:
    return next((lesion.vessel for lesion in lesions if lesion.id == name), None)


def share(rows: Sequence[Row]) -> str:
    """How many of some connections were found."""
    return f"{sum(row['found'] for row in rows)} of {len(rows)}"


def _case_line(row: Row) -> str:
    if "crash" in row or "skipped" in row:
        return f"| {row['case']} | {row.get('crash') or row['skipped']} | | | | |"
    if row["kind"] == "none":
        return f"| {row['case']} | none drawn | | {row['noise_hu']:.0f} | | {row['false']} |"
    found = "no" if row["occlusion_found"] else "no: occlusion not found"
    if row["found"]:
        found = f"{row['found_kind']}, {row['found_diameter_mm']:.1f} mm wide, {row['found_length_mm']:.0f} mm long"
    size = f"{row['diameter_mm']:.2f} x {row['length_mm']:.0f} mm"
    return f"| {row['case']} | {row['kind']} | {size} | {row['noise_hu']:.0f} | {found} | {row['false']} |"


def page(rows: Sequence[Row], *, stamp: str) -> str:
    """The evidence page."""
    good = [row for row in rows if "kind" in row]
    true = [row for row in good if row["kind"] != "none"]
    plain = [row for row in good if row["kind"] == "none"]
    hit = [row for row in true if row["found"]]
    ratio = [row["found_diameter_mm"] / row["diameter_mm"] for row in hit]
    return PAGE.format(
        stamp=stamp,
        first=rows[0]["case"],
        true=len(true),
        plain=len(plain),
        lost=len(rows) - len(good),
        found=share(true),
        fat=share([row for row in true if row["kind"] == "epicardial"]),
        muscle=share([row for row in true if row["kind"] == "septal"]),
        thin=share([row for row in true if row["diameter_mm"] < 1.2]),
        thick=share([row for row in true if row["diameter_mm"] >= 1.2]),
        measured=share([row for row in true if row["occlusion_found"]]),
        false=sum(row["false"] for row in true),
        false_plain=sum(row["false"] for row in plain),
        ratio=f"{np.median(ratio):.2f}" if ratio else "–",
        course=f"{sum(row['found_kind'] == row['kind'] for row in hit)} of {len(hit)}",
        rows="\n".join(_case_line(row) for row in rows),
    )


PAGE = """# Collateral connections on phantoms

{stamp}

{true} computer-made hearts with an occlusion and one connection drawn to the vessel beyond it, 0.8 to 1.7 mm wide,
through the septum or over the heart, and {plain} with an occlusion and no connection; first seed {first}. {lost} were
left out: no room, or a crash. Nothing is asked of this step beyond showing what CT shows; these are the figures.

| quantity | measured |
|---|---|
| connections found | {found} |
| ... over the heart (epicardial) | {fat} |
| ... through muscle (septal) | {muscle} |
| ... below 1.2 mm | {thin} |
| ... of 1.2 mm and more | {thick} |
| ... where the occlusion itself was found and measured | {measured} |
| course right, of those found | {course} |
| diameter found over true, median | {ratio} |
| other candidates in hearts with a connection | {false} |
| candidates in hearts without one | {false_plain} |

A connection counts as found where at least half of its axis, without the 6 mm at its ends, lies within 1.5 mm of one
candidate. A candidate begins and ends where the arteries at its ends are 2 mm wide, so it is longer than the
connection, and its diameter is that of thin artery and connection together.

| seed | drawn | diameter x length | noise, HU | found | other candidates |
|---|---|---|---|---|---|
{rows}

What this does not show: real collaterals are mostly finer than what CT resolves, many wind more than these, and real
hearts have more thin vessels that pass each other. Two tips of true arteries that meet without a connection look the
same as one. So a candidate says where to look on the angiogram, and no more.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    parser = argparse.ArgumentParser(prog="python -m evidence.collaterals", description=__doc__)
    parser.add_argument("--cases", type=int, default=24, help="how many hearts, from seed 16,100 on; a third without")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence"), help="folder for the page")
    asked = parser.parse_args(arguments)
    if asked.cases < 3:
        parser.error("--cases must be at least 3")
    stamp = written_by(f"python -m evidence.collaterals --cases {asked.cases}")
    tasks = [(FIRST_SEED + k, (*KINDS, None)[k % 3]) for k in range(asked.cases)]
    rows = []
    with ProcessPoolExecutor(asked.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for row in pool.map(run_case, tasks):
            rows.append(row)
            print(f"{len(rows)} of {len(tasks)}", file=sys.stderr)
    write_text_atomic(asked.out / "collaterals.md", page(rows, stamp=stamp))
    print(f"{len(rows)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main())
