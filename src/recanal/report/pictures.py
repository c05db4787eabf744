"""The figures by their place in the report."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from recanal.errors import InputError
from recanal.report.palette import PLACES, caption, figure_name

__all__ = ["lesion_pictures", "place_pictures"]


def place_pictures(model: dict[str, Any], figures: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Put the figures into a model, in place: into its lesions, and into its sections those that were made.

    Returns
    -------
    pictures
        Every picture of the model, each with ``file``, ``caption`` and ``aspect`` (width over height).

    Raises
    ------
    InputError
        When a figure is not a PNG picture.
    """
    out = []
    for lesion in model["lesions"]:
        lesion["pictures"] = lesion_pictures(lesion["id"], figures)
        out += [picture for place in lesion["pictures"].values() for picture in place]
    for sections in model["sections"].values():
        for block in (block for section in sections for block in _blocks(section["blocks"])):
            if block["kind"] == "pictures":
                block["pictures"] = [_sized(p, figures) for p in block["pictures"] if p["file"] in figures]
                out += block["pictures"]
    return out


def _blocks(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield block
        if block["kind"] == "fold":
            yield from _blocks(block["blocks"])


def _sized(picture: dict[str, Any], figures: Mapping[str, bytes]) -> dict[str, Any]:
    width, height = _png_size(picture["file"], figures[picture["file"]])
    return {**picture, "aspect": width / height}


def lesion_pictures(lesion_id: str, figures: Mapping[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """The figures of one lesion by their place: ``strips``, ``flats`` and ``sections``.

    Each entry holds the file name, its caption and its aspect ratio (width over height). Figures that no place knows
    are left to the sections of the report.

    Raises
    ------
    InputError
        When a figure is not a PNG picture.
    """
    start, end = figure_name(lesion_id, "@").split("@")
    out: dict[str, list[dict[str, Any]]] = {"strips": [], "flats": [], "sections": []}
    for name in figures:
        stem = name.removeprefix(start).removesuffix(end)
        place = next((place for begin, place in PLACES.items() if stem.startswith(begin)), "")
        if name == start + stem + end and place:
            out[place].append(_sized({"file": name, "caption": caption(stem)}, figures))
    return out


def _png_size(name: str, png: bytes) -> tuple[int, int]:
    if not png.startswith(b"\x89PNG\r\n\x1a\n") or len(png) < 24:
        raise InputError(f"{name} is not a PNG picture.", hint="Give the pictures that render_figures made.")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)
