"""The evidence pages: Markdown from rows, no number typed by hand."""

from __future__ import annotations

import csv
import hashlib
import io
import textwrap
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import recanal
from evidence.agreement import Agreement, icc_2_1
from evidence.cases import REPEATED, SEED_MOVE_MM, CaseOutcome
from evidence.judge import (
    AMOUNTS,
    YES_NO,
    Judged,
    centreline_rows,
    counts,
    diameter_rows,
    error_rows,
    failed,
    interval_rows,
    named,
    strays,
    yes_no_rows,
)

__all__ = [
    "accuracy_page",
    "cases_csv",
    "fingerprint",
    "invariance_page",
    "judged",
    "reproducibility_page",
    "written_by",
]

Row = dict[str, Any]
HUMANS = {
    "length_mm": 0.953,
    "plaque_mm3": 0.673,
    "necrotic_core_mm3": 0.678,
    "fibrofatty_mm3": 0.872,
    "fibrous_mm3": 0.871,
    "dense_calcium_mm3": 0.788,
}
ASKED_ICC = 0.98
LENGTH_CHANGE_MM = 0.5
NAMES = {"length_mm": "occlusion length", "plaque_mm3": "plaque volume"}
PICTURES = (
    ("agreement_length.png", "Bland-Altman plot of the occlusion length"),
    ("agreement_plaque.png", "Bland-Altman plot of the plaque volume"),
    ("error_by_noise.png", "Error of the length against noise"),
    ("diameter.png", "True and measured lumen diameter by contrast"),
    ("centreline.png", "Histogram of centreline errors"),
    ("intervals.png", "Share of intervals that hold the truth"),
    ("cap_shape.png", "Shape of the proximal cap, true and found"),
)


def fingerprint(folder: Path) -> str:
    """First twelve digits of a SHA-256 over the source files of a package."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(str(path.relative_to(folder).as_posix()).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def written_by(command: str) -> str:
    """Which command writes a page, when, and with which version; ask before measuring, not after."""
    day = datetime.now(UTC).date().isoformat()
    source = fingerprint(Path(recanal.__file__).parent)
    return f"Written by `{command}` on {day}; recanal {recanal.__version__}, source {source}."


def judged(rows: Sequence[Row]) -> list[tuple[str, list[Judged]]]:
    """Every line of the accuracy table, by section."""
    numbers = [line for amount in AMOUNTS for line in error_rows(rows, amount)]
    return [
        ("Found or not", counts(rows)),
        ("Centreline", centreline_rows(rows)),
        ("Lumen", diameter_rows(rows)),
        ("Numbers", numbers),
        ("Yes or no", yes_no_rows(rows)),
        ("95 % intervals", interval_rows(rows)),
    ]


def _mark(passed: bool | None) -> str:
    return "" if passed is None else "reached" if passed else "**short**"


def _table(lines: Sequence[Judged]) -> str:
    head = "| quantity | asked | reached | n | median / 90th percentile | |\n|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {x.quantity} | {x.asked} | {x.reached} | {x.count} | {x.spread} | {_mark(x.passed)} |\n" for x in lines
    )


def _conditions(row: Row) -> str:
    length = row.get("true_length_mm")
    narrow = f"open, {row.get('stenosis_percent') or 0:.0f} % stenosis"
    size = narrow if not row["occluded_true"] else "length unknown" if length is None else f"{length:.0f} mm"
    return (
        f"{row['vessel']}, {size}, calcium {row['calcium']}, filling {row['filling']}, noise {row['noise_hu']:.0f} HU, "
        f"contrast {row['lumen_hu']:.0f} HU, voxel {row['pixel_mm']:.2f} x {row['slice_mm']:.2f} mm, {row['kvp']} kV"
        + (", motion or stair steps" if row.get("artefact") else "")
    )


def _worst(rows: Sequence[Row]) -> str:
    wanted: list[tuple[str, Callable[[Row], float | None]]] = [(a.name, a.error) for a in AMOUNTS]
    wanted += [
        ("centreline in the open vessel, mm", named("centre_open_mm")),
        ("centreline inside the gap, mm", named("centre_gap_mm")),
        ("lumen diameter, mm", named("diameter_bias_mm")),
    ]
    parts = []
    for name, get in wanted:
        found = [(value, row) for row in rows if (value := get(row)) is not None]
        found.sort(key=lambda pair: -abs(pair[0]))
        lines = [f"| {row['case']} | {value:+.3g} | {_conditions(row)} |" for value, row in found[:5]]
        parts.append(f"**{name}**\n\n| case | error | conditions |\n|---|---|---|\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def _wrong(rows: Sequence[Row]) -> str:
    """The cases behind every yes-or-no line that are wrong, and the axes that stray unflagged."""
    lines = []
    for key, name in YES_NO:
        wrong = [r for r in rows if r["occluded_true"] and (r.get(key) is None or r[key] != r.get(f"{key}_true"))]
        said = [f"{r['case']} ({r.get(key, 'no answer')}, truly {r.get(f'{key}_true', 'not known')})" for r in wrong]
        lines.append(f"- {name}: {', '.join(said) or 'none'}")
    stray = [f"{r['case']} ({r['centre_gap_max_mm']:.1f} mm)" for r in rows if r["occluded_true"] and strays(r)]
    lines.append(f"- axis more than 1.5 mm off inside the gap and not flagged: {', '.join(stray) or 'none'}")
    return "\n".join(lines) + "\n"


def _failures(rows: Sequence[Row]) -> str:
    lines = [f"| {row['case']} | {why} | {_conditions(row)} |" for row in rows if (why := failed(row))]
    if not lines:
        return "None.\n"
    return "| case | what happened | conditions |\n|---|---|---|\n" + "\n".join(lines) + "\n"


def _drawn(rows: Sequence[Row]) -> str:
    opened = sum(not row["occluded_true"] for row in rows)
    replaced = sum(bool(row.get("filling_replaced")) for row in rows)
    ranges = ", ".join(
        f"{name} {min(r[key] for r in rows):.3g} to {max(r[key] for r in rows):.3g} {unit}"
        for key, name, unit in (
            ("noise_hu", "noise", "HU"),
            ("lumen_hu", "contrast at the ostium", "HU"),
            ("pixel_mm", "pixel", "mm"),
            ("slice_mm", "slice increment", "mm"),
        )
    )
    return (
        f"{len(rows)} computer-made studies, seeds {rows[0]['case']} to {rows[-1]['case']}; parameters were chosen on "
        f"seeds below 1,000. {len(rows) - opened} are occluded, {opened} are open, to count false occlusions. Drawn at "
        f"random: {ranges}; {sum(bool(r.get('artefact')) for r in rows)} have motion or stair steps. In {replaced} the "
        "drawn distal vessel does not fill at all, which two seeds cannot measure: it was replaced by weak filling. "
        "Each was measured between two seeds in the open lumen, 8 to 15 mm beyond the caps, unless the vessel ends "
        "before. Truth is what the noise-free picture shows."
    )


def accuracy_page(outcomes: Sequence[CaseOutcome], *, stamp: str) -> str:
    """``accuracy.md``: asked and reached, what failed, the worst cases, the pictures."""
    rows = [outcome.row for outcome in outcomes]
    sections = "\n".join(f"### {name}\n\n{_table(lines)}" for name, lines in judged(rows))
    short = [line.quantity for _, lines in judged(rows) for line in lines if line.passed is False]
    seconds = np.array([row["measure_s"] for row in rows])
    pictures = "\n\n".join(f"![{text}](figures/{name})" for name, text in PICTURES)
    return f"""# Accuracy against a known truth

{stamp}

{textwrap.fill(_drawn(rows), 118)}

One measurement took {np.median(seconds):.1f} s (median), {seconds.max():.1f} s (longest), on a machine with other work.

{{download}}`Every case, one row each <cases.csv>`.

## Asked and reached

Means over cases. "Reached" and "short" compare the mean, or the share, with what was asked; n says how many cases
lie behind it. A case that failed has no error to average: it is listed below and counts as wrong in every yes-or-no
row. {len(short)} of {sum(x.passed is not None for _, lines in judged(rows) for x in lines)} lines are short.

{sections}
## Cases that failed as a whole

{_failures(rows)}
## Wrong answers

{_wrong(rows)}
## The five worst cases of each quantity

{_worst(rows)}
## Pictures

{pictures}
"""


def _agreements(outcomes: Sequence[CaseOutcome]) -> list[tuple[str, Agreement | None, int]]:
    out = []
    tables = [outcome.repeats for outcome in outcomes if outcome.repeats]
    for name in REPEATED:
        full = [[x[name] for x in t] for t in tables if all(x[name] is not None for x in t)]
        enough = len(full) >= 3
        out.append((name, icc_2_1(np.array(full, dtype=np.float64)) if enough else None, len(tables) - len(full)))
    return out


def reproducibility_page(outcomes: Sequence[CaseOutcome], *, stamp: str) -> str:
    """``reproducibility.md``: agreement of re-measurements beside that of two human observers."""
    lines = []
    for name, found, lost in _agreements(outcomes):
        title = NAMES.get(name, name.removesuffix("_mm3").replace("_", " ") + " volume")
        if found is None:
            lines.append(f"| {title} | >= {ASKED_ICC} | too few cases | | {HUMANS[name]} | | {lost} | |")
            continue
        unit = "mm" if name == "length_mm" else "mm3"
        mark = _mark(found.icc >= ASKED_ICC)
        lines.append(
            f"| {title} | >= {ASKED_ICC} | {found.icc:.3f} ({found.low:.3f} to {found.high:.3f}) | "
            f"{found.within_sd:.2g} {unit} | {HUMANS[name]} | {found.subjects} | {lost} | {mark} |"
        )
    body = "\n".join(lines)
    errors = [(o.row["case"], o.row["repeat_error"]) for o in outcomes if o.row.get("repeat_error")]
    lost_list = "\n".join(f"- case {case}: {why}" for case, why in errors) or "None."
    return f"""# Reproducibility

{stamp}

Every occluded study of [the accuracy page](accuracy.md) was measured three times: as drawn; with both seeds moved by
up to {SEED_MOVE_MM:g} mm along the vessel and new noise; and with seeds moved again, new noise again and the voxel grid
shifted by half a voxel in each direction. The anatomy stays the same.

ICC(2,1) is the intraclass correlation of two-way random effects, absolute agreement, single measurement (Shrout and
Fleiss 1979; interval of McGraw and Wong 1996). The two human observers are those of Xing 2022, on patients; a person
there also judged what belongs to the vessel, so the columns do not compare like with like.

| quantity | asked | ICC(2,1) and 95 % interval | within-case SD | two observers | n | not measured each time | |
|---|---|---|---|---|---|---|---|
{body}

An intraclass correlation is high wherever patients differ much from one another. The standard deviation within a case
says what one measurement may be off by: in 95 % of pairs, two measurements of one case differ by less than 2.77 times
this.

## Re-measurements that failed

{lost_list}
"""


def _change(row: Row) -> str:
    """What another way of storing changed, empty when nothing did."""
    moved = row["length_change_mm"] or 0.0
    said = [f"other {', '.join(row['changed'])}"] if row["changed"] else []
    return "; ".join(said + ([f"length {moved:+.2f} mm"] if abs(moved) > LENGTH_CHANGE_MM else []))


def invariance_page(outcomes: Sequence[CaseOutcome], *, stamp: str) -> str:
    """``invariance.md``: the same study stored in other ways."""
    stored = [(outcome.row["case"], row) for outcome in outcomes for row in outcome.stored]
    lines, notes = [], []
    for name in dict.fromkeys(row["stored"] for _, row in stored):
        some = [(case, row) for case, row in stored if row["stored"] == name]
        moved = np.array([abs(row["length_change_mm"]) for _, row in some if row["length_change_mm"] is not None])
        same = sum(bool(row["same_findings"]) for _, row in some)
        largest = f"{moved.max():.2f} mm" if len(moved) else ""
        good = same == len(some) and bool((moved <= LENGTH_CHANGE_MM).all())
        lines.append(f"| {name} | {same} of {len(some)} | {largest} | {_mark(good)} |")
        notes += [f"- case {case}, {name}: {note}" for case, row in some if (note := _change(row))]
    table, list_of = "\n".join(lines), "\n".join(notes) or "None."
    return f"""# Invariance

{stamp}

The same study, stored in another way, must give the same findings (occlusion or not and how many, shape of the cap,
side branch, calcium any, severe and across the whole lumen) and a length within {LENGTH_CHANGE_MM:g} mm. Every fifth
study of [the accuracy page](accuracy.md) was stored in each of these ways. Resampling was cubic and changes the noise;
turning the patient turns the seeds with them.

| stored | same findings | largest change of length | |
|---|---|---|---|
{table}

## What changed

{list_of}
"""


def cases_csv(rows: Sequence[Row]) -> str:
    """One row per case; numbers to four digits."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()
