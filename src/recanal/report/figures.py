"""Every figure of a case, as PNG."""

from __future__ import annotations

from collections.abc import Mapping

from recanal.core.case import CaseReport, Lesion
from recanal.core.reformat import Reformat
from recanal.report.area_graph import area_graph_png, profile_axis
from recanal.report.palette import figure_name
from recanal.report.picture import flat_png, section_png
from recanal.report.strip import Axis, shared_axis, strip_png

__all__ = ["render_figures", "view_figures"]


def render_figures(case: CaseReport, views: Mapping[str, tuple[Reformat, ...]]) -> dict[str, bytes]:
    """PNG pictures by relative file name.

    Parameters
    ----------
    case
        The result; its lesions give the area graphs.
    views
        The cuts of each lesion, by lesion id; a lesion without cuts gets its area graph alone.

    Returns
    -------
    figures
        ``figures/<lesion>_<view>.png`` for every cut and ``figures/<lesion>_profile.png`` for every profile.
    """
    figures: dict[str, bytes] = {}
    for lesion in case.lesions:
        figures |= _lesion_figures(lesion, views.get(lesion.id, ()))
    return figures


def view_figures(name: str, views: tuple[Reformat, ...]) -> dict[str, bytes]:
    """PNG pictures of the cuts of one vessel, whose figures begin with ``name``, by relative file name."""
    axis = shared_axis(views)
    return {figure_name(name, view.name): _png(view, axis) for view in views}


def _lesion_figures(lesion: Lesion, views: tuple[Reformat, ...]) -> dict[str, bytes]:
    out = view_figures(lesion.id, views)
    graph = shared_axis(views) or profile_axis(lesion.profile)
    if graph is not None and lesion.profile.position_mm:
        out[figure_name(lesion.id, "profile")] = area_graph_png(lesion.profile, graph)
    return out


def _png(view: Reformat, axis: Axis | None) -> bytes:
    if view.kind == "straightened" and axis is not None:
        return strip_png(view, axis)
    return section_png(view, axis) if view.kind == "cross_section" else flat_png(view)
