"""Writes docs/evidence/reproductions.md, two papers from simulated cohorts: ``python -m evidence.reproductions``."""

from __future__ import annotations

from pathlib import Path

from recanal.interop import write_text_atomic
from recanal.reproduction.paper import PAPERS, Paper, read_paper
from recanal.reproduction.quantities import KINDS, Comparison
from recanal.reproduction.run import LESIONS, reproduce

__all__ = ["reproductions_page", "write_reproductions_page"]

SEED = 1
HEAD = f"""# Two publications from simulated cohorts

```{{note}}
Written by `python -m evidence.reproductions`; no number is typed by hand. {LESIONS:,} lesions, seed {SEED}.
```

Each cohort is simulated to the printed margins of its paper and run through the plan that lies in the package
([how](../reproductions.md)). **Agreement proves the pipeline, not the papers**: what is fitted agrees because it is
fitted. What is not fitted is listed for each paper.
"""


def reproductions_page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name in PAPERS:
        comparison = reproduce(name, seed=SEED).comparison
        parts += _paper(read_paper(name), comparison)
    return "\n".join(part.rstrip() + "\n" for part in parts)


def write_reproductions_page(path: Path) -> None:
    """Write the page."""
    write_text_atomic(path, reproductions_page())


def _paper(paper: Paper, comparison: Comparison) -> list[str]:
    within, judged = comparison.tally()
    lines = [
        f"## {paper.title}\n",
        f"doi [{paper.doi}](https://doi.org/{paper.doi}). **{within} of {judged} printed numbers "
        f"({100 * within / judged:.1f}%) lie within one published standard error.**\n",
        "| kind | judged | within one standard error | % |",
        "|---|---|---|---|",
    ]
    for kind, words in KINDS.items():
        near, count = comparison.tally(kind)
        if count:
            lines.append(f"| {words} | {count} | {near} | {100 * near / count:.1f} |")
    lines += [
        "",
        *(f"- Fitted: {words}." for words in paper.built),
        *(f"- Not fitted: {words}." for words in paper.emerging),
    ]
    return ["\n".join(lines), _tables(comparison), _outside(comparison), _aside(paper)]


def _tables(comparison: Comparison) -> str:
    lines = ["| table | judged | within | greatest difference, standard errors |", "|---|---|---|---|"]
    for table in comparison.tables:
        found = table.quantities
        worst = max((abs(one.difference_sigmas) for one in found), default=0.0)
        lines.append(f"| {table.title} | {len(found)} | {sum(one.within for one in found)} | {worst:.2f} |")
    return "\n".join(lines)


def _outside(comparison: Comparison) -> str:
    lines = [
        "### More than one standard error apart\n",
        "| table | row | column | kind | printed | reproduced | apart |",
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for table in comparison.tables:
        for row in table.rows:
            for head, cell in zip(table.head[1:], row.cells, strict=True):
                for one in cell.quantities:
                    if not one.within:
                        name, kind = table.title.split(":")[0], KINDS[one.kind]
                        numbers = f"{cell.printed} | {cell.reproduced} | {one.difference_sigmas:+.2f}"
                        lines.append(f"| {name} | {row.label} | {head} | {kind} | {numbers} |")
    return "\n".join(lines)


def _aside(paper: Paper) -> str:
    lines = [f"### Misprints, judged against the corrected number ({len(paper.corrections)})\n"]
    lines += [f"- {one.table}, {one.row}: {one.printed}; used {one.used}. {one.why}" for one in paper.corrections]
    lines += ["", f"### Printed, but not judged ({len(paper.omissions)})\n"]
    lines += [f"- {one.table}, {one.row}: {one.what}. {one.why}" for one in paper.omissions]
    return "\n".join(lines)


if __name__ == "__main__":
    write_reproductions_page(Path("docs/evidence/reproductions.md"))
