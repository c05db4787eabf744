"""Measures phantoms of known truth and writes the evidence pages: ``python -m evidence``."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evidence.audit_papers import write_audit_page
from evidence.cases import FIRST_SEED, CaseOutcome, Plan, plan_cases, run_case
from evidence.figures import draw_all
from evidence.judge import failed
from evidence.pages import accuracy_page, cases_csv, invariance_page, judged, reproducibility_page, written_by
from recanal.interop import write_atomic, write_text_atomic

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    parser = argparse.ArgumentParser(prog="python -m evidence", description=__doc__)
    parser.add_argument("--cases", type=int, default=180, help=f"how many phantoms, from seed {FIRST_SEED:,} on")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--out", type=Path, default=Path("docs/evidence"), help="folder for the pages")
    asked = parser.parse_args(arguments)
    if asked.cases < 1 or asked.workers < 1:
        parser.error("--cases and --workers must be at least 1")
    command = (
        "make evidence" if asked.cases == parser.get_default("cases") else f"python -m evidence --cases {asked.cases}"
    )
    stamp = written_by(command)
    outcomes = measure_all(plan_cases(asked.cases), workers=asked.workers)
    write_pages(outcomes, asked.out, stamp=stamp)
    write_audit_page(asked.out.parent / "audit_papers.md")
    _summary(outcomes)
    return 0


def measure_all(plans: Sequence[Plan], *, workers: int) -> list[CaseOutcome]:
    """Every plan measured, in the order of the plans; a crash becomes a failed case."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    done: dict[int, CaseOutcome] = {}
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar,
        ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool,
    ):
        task = bar.add_task("measuring phantoms", total=len(plans))
        futures = {pool.submit(run_case, plan): plan for plan in plans}
        for future in as_completed(futures):
            plan = futures[future]
            done[plan.seed] = _outcome(plan, future)
            if why := failed(done[plan.seed].row):
                bar.console.print(f"case {plan.seed}: {why}", highlight=False)
            bar.advance(task)
    return [done[plan.seed] for plan in plans]


def _outcome(plan: Plan, future: Future[CaseOutcome]) -> CaseOutcome:
    crash = future.exception()
    if crash is None:
        return future.result()
    options = plan.options
    row = {
        "case": plan.seed,
        "filling_replaced": plan.filling_replaced,
        "true_length_mm": options.occlusion_length_mm if options.occlusion else None,
        "vessel": options.vessel,
        "noise_hu": options.noise_hu,
        "lumen_hu": options.lumen_hu,
        "pixel_mm": options.pixel_mm,
        "slice_mm": options.slice_mm,
        "kvp": options.kvp,
        "calcium": options.calcium,
        "filling": options.distal_filling,
        "occluded_true": options.occlusion,
        "error": f"crash, {type(crash).__name__}: {crash}",
        "measure_s": 0.0,
    }
    return CaseOutcome(row)


def write_pages(outcomes: Sequence[CaseOutcome], folder: Path, *, stamp: str) -> None:
    """Write pages, table and pictures."""
    rows = [outcome.row for outcome in outcomes]
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name, picture in draw_all(rows).items():
        write_atomic(folder / "figures" / name, picture)
    write_text_atomic(folder / "cases.csv", cases_csv(rows))
    write_text_atomic(folder / "accuracy.md", accuracy_page(outcomes, stamp=stamp))
    write_text_atomic(folder / "reproducibility.md", reproducibility_page(outcomes, stamp=stamp))
    write_text_atomic(folder / "invariance.md", invariance_page(outcomes, stamp=stamp))


def _summary(outcomes: Sequence[CaseOutcome]) -> None:
    for name, lines in judged([outcome.row for outcome in outcomes]):
        print(f"\n{name}")
        for line in lines:
            mark = "" if line.passed is None else "reached" if line.passed else "SHORT"
            print(f"  {line.quantity:<58}{line.asked:<16}{line.reached:<34}{mark}")


if __name__ == "__main__":
    sys.exit(main())
