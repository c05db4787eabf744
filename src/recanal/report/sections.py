"""The sections beside the measurements and the scores: fluoroscopic views, crossing plan, landing zone, corrections.

To add one, write ``def NAME(case, say, sources) -> Section | None`` in a module of this room, from the blocks of
:mod:`recanal.report.blocks`, and name it in ``_MAKERS``. Page and PDF set it where its ``place`` says, the PDF in its
short form where it has one; its figures are those of ``render_figures`` with the names it gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from recanal.core.case import CaseReport
from recanal.report.angle_section import angle_section
from recanal.report.blocks import PLACES, Section
from recanal.report.display import Display
from recanal.report.edits_section import edits_section
from recanal.report.landing_section import landing_section
from recanal.report.plan_section import plan_section
from recanal.report.sources import Sources

__all__ = ["SectionMaker", "sections_model"]

SectionMaker = Callable[[CaseReport, Display, Sources], Section | None]


def sections_model(
    case: CaseReport, say: Display, sources: Sources, more: Sequence[SectionMaker] = ()
) -> dict[str, list[dict[str, Any]]]:
    """The sections of each place, in the order of ``_MAKERS``, then ``more``; those with nothing to say are left out.

    Each has its ``title``, its ``blocks`` for the page, and ``printed``: its blocks for the PDF.
    """
    out: dict[str, list[dict[str, Any]]] = {place: [] for place in PLACES}
    for make in (*_MAKERS, *more):
        section = make(case, say, sources)
        if section is not None:
            printed = section.blocks if section.printed is None else section.printed
            out[section.place].append({"title": section.title, "blocks": [*section.blocks], "printed": [*printed]})
    return out


_MAKERS: tuple[SectionMaker, ...] = (angle_section, plan_section, landing_section, edits_section)
