"""Which segmenters there are, and the tree that one of them gives."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any

from recanal.anatomy.from_segmentation import tree_of_segmentation
from recanal.anatomy.segmentation import Segmenter, VesselLines, VesselMask
from recanal.anatomy.tree import CoronaryTree
from recanal.core.volume import Volume
from recanal.errors import InputError, OptionError
from recanal.segmenters.programs import MonaiBundle, NnUnet, TotalSegmentator
from recanal.segmenters.stored import CenterlineFile, MaskFile

__all__ = ["GROUP", "SegmentedTree", "make_segmenter", "segmented_tree", "segmenter_names"]

GROUP = "recanal.segmenters"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_OWN: dict[str, Callable[[str | None], Segmenter]] = {
    "mask": MaskFile,
    "centerlines": CenterlineFile,
    "totalsegmentator": TotalSegmentator,
    "nnunet": NnUnet,
    "monai": MonaiBundle,
}


@dataclass(frozen=True, eq=False)
class SegmentedTree:
    """A tree, and what made it.

    Parameters
    ----------
    tree
        Of the segmentation.
    record
        ``name`` and ``version`` of the segmenter, what it gave, and what else it says of itself; for the provenance.
    """

    tree: CoronaryTree
    record: dict[str, Any]


def segmenter_names() -> tuple[str, ...]:
    """Names that ``--segmenter`` takes: those of recanal, then those of installed packages."""
    return (*_OWN, *sorted({item.name for item in metadata.entry_points(group=GROUP)} - set(_OWN)))


def make_segmenter(text: str) -> Segmenter:
    """The segmenter that ``NAME`` or ``NAME=ARGUMENT`` asks for.

    Parameters
    ----------
    text
        As on the command line.

    Raises
    ------
    OptionError
        When there is no such segmenter, two packages offer it, or it cannot be loaded.

    Examples
    --------
    >>> make_segmenter("mask=vessels.nii.gz").name
    'mask'
    """
    name, given, argument = text.partition("=")
    value = argument if given else None
    if name in _OWN:
        return _OWN[name](value)
    found = [item for item in metadata.entry_points(group=GROUP) if item.name == name]
    if not found or not _NAME.fullmatch(name):
        raise OptionError(f"There is no segmenter {name!a}.", hint=f"There are {', '.join(segmenter_names())}.")
    if len(found) > 1:
        raise OptionError(f"{len(found)} installed packages offer a segmenter {name!a}.", hint="Remove all but one.")
    try:
        made = found[0].load()(value)
    except InputError:
        raise
    except Exception as error:
        raise OptionError(
            f"The segmenter {name!a} cannot be loaded: {type(error).__name__}.",
            hint="Its package may lack something; ask its maker.",
        ) from error
    return _checked(made, name)


def _checked(made: Any, name: str) -> Segmenter:
    """The object, if it has what a segmenter has."""
    texts = all(isinstance(getattr(made, key, None), str) and getattr(made, key) for key in ("name", "version"))
    if not texts or not callable(getattr(made, "segment", None)):
        raise OptionError(
            f"The segmenter {name!a} is not built as recanal asks: it needs the texts name and version and the method "
            "segment.",
            hint="See the manual's page on segmenters.",
        )
    segmenter: Segmenter = made
    return segmenter


def segmented_tree(
    volume: Volume, segmenter: Segmenter, *, progress: Callable[[str], None] = lambda _: None
) -> SegmentedTree:
    """The coronary tree that a segmenter finds in a volume.

    Raises
    ------
    InputError
        When the segmenter refuses the volume, fails, or gives what cannot be used.
    """
    progress(f"segmenting with {segmenter.name}")
    try:
        found = segmenter.segment(volume, progress=progress)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"The segmenter {segmenter.name!a} failed: {type(error).__name__}.", hint="Ask its maker."
        ) from error
    if not isinstance(found, VesselMask | VesselLines):
        raise OptionError(
            f"The segmenter {segmenter.name!a} gave {type(found).__name__}, not VesselMask or VesselLines.",
            hint="Ask its maker.",
        )
    record: dict[str, Any] = {"name": segmenter.name, "version": segmenter.version}
    record["gave"] = f"mask of the {found.covers}" if isinstance(found, VesselMask) else "centerlines"
    details = getattr(segmenter, "details", None)
    if isinstance(details, dict):
        record |= {str(key): str(value) for key, value in details.items() if str(key) not in record}
    tree = tree_of_segmentation(volume, found, progress=progress)
    flag = f"the vessels were taken from the segmenter {segmenter.name} ({segmenter.version})"
    return SegmentedTree(replace(tree, flags=(*tree.flags, flag)), record)
