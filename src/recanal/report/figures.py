"""Every figure of a case, as PNG."""

from __future__ import annotations

from collections.abc import Mapping

from recanal.core.case import CaseReport, Lesion
from recanal.core.reformat import Reformat
from recanal.report.area_graph import area_graph_png, profile_axis
from recanal.report.picture import flat_png, section_png
from recanal.report.strip import Axis, shared_axis, strip_png

__all__ = ["figure_name", "render_figures"]


def figure_name(lesion_id: str, name: str) -> str:
    """The relative file name of a figure.

    >>> figure_name("L1", "mpr")
    'figures/L1_mpr.png'
    """
    return f"figures/{lesion_id}_{name}.png"


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


def _lesion_figures(lesion: Lesion, views: tuple[Reformat, ...]) -> dict[str, bytes]:
    axis = shared_axis(views)
    out = {figure_name(lesion.id, view.name): _png(view, axis) for view in views}
    graph = axis or profile_axis(lesion.profile)
    if graph is not None and lesion.profile.position_mm:
        out[figure_name(lesion.id, "profile")] = area_graph_png(lesion.profile, graph)
    return out


def _png(view: Reformat, axis: Axis | None) -> bytes:
    if view.kind == "straightened" and axis is not None:
        return strip_png(view, axis)
    return section_png(view, axis) if view.kind == "cross_section" else flat_png(view)
