"""Every number of a case before and after corrections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from recanal.core.edits import NumberChange, Scalar
from recanal.report.display import words
from recanal.report.finding_words import finding_label

__all__ = ["BEFORE", "OTHERS", "changed_numbers", "changed_others", "lesion_pairs"]

BEFORE = ("quality", "tree", "lesions", "findings", "findings_of", "scores", "strategy")
"""Parts of a case that are kept as they were before the corrections."""
OTHERS = {"stenosis": "vessel", "collaterals": "lesion"}
"""Parts of a case about the other arteries, and what names an item of each."""
LEFT_OUT = ("id", "profile", "flags", "points_mm", "segments")
SCORE_FIELDS = {
    "points": "points",
    "points_min": "fewest points",
    "points_max": "most points",
    "stratum": "stratum",
    "stratum_min": "lowest stratum",
    "stratum_max": "highest stratum",
    "printed_rate": "published rate",
}
NAMES = {
    "fraction_percent": "share of the plaque",
    "vessel_percent": "share of the vessel",
    "rao_lao_deg": "RAO/LAO angle",
    "cra_cau_deg": "CRA/CAU angle",
    "objective_percent": "objective of the search",
    "name": "name",
}
LABELS = {
    "length_mm": "length",
    "chord_mm": "straight distance between the caps",
    "proximal_cap_mm": "proximal cap (LPS)",
    "distal_cap_mm": "distal cap (LPS)",
    "proximal_cap.attenuation_hu": "attenuation beyond the proximal cap",
    "proximal_cap.side_branch_distance_mm": "side branch, distance from the proximal cap",
    "proximal_cap.blunt_prob": "probability of a blunt proximal cap",
    "bend_max_deg": "largest bend",
    "reference.proximal_diameter_mm": "proximal reference diameter",
    "reference.distal_diameter_mm": "distal reference diameter",
    "calcification.any": "any calcium",
    "calcification.severe": "severe calcification",
    "calcification.whole_lumen": "calcium fills the lumen",
    "calcification.cross_section_max_ratio": "largest calcified share of a section",
    "calcification.arc_max_deg": "largest arc of calcium",
    "calcification.volume_mm3": "calcium volume",
    "plaque.volume_mm3": "plaque volume",
    "plaque.below_range_mm3": "volume below -30 HU inside the wall",
    "distal_vessel.diameter_mean_mm": "mean diameter beyond the occlusion",
    "distal_vessel.diseased": "vessel beyond diseased",
    "bridge_confidence": "confidence in the axis",
    "bridge_alternatives.0.cost_ratio": "cost of the best other way over that of this one",
    "wall_bridged_percent": "wall not seen",
    "narrowest_diameter_mm": "smallest diameter",
}
MAIN = {
    *("kind", "vessel", "length_mm", "proximal_cap.shape", "proximal_cap.attenuation_hu", "distal_cap.shape"),
    *("bend_max_deg", "reference.proximal_diameter_mm", "reference.distal_diameter_mm", "plaque.volume_mm3"),
    *("calcification.severe", "calcification.cross_section_max_ratio", "calcification.volume_mm3"),
    *("bridge_confidence", "narrowest_diameter_mm", "proximal_cap.side_branch"),
}
UNITS = {"_mm": "mm", "_mm2": "mm²", "_mm3": "mm³", "_deg": "°", "_hu": "HU", "_percent": "%"}
Leaf = tuple[str, Scalar]


def changed_numbers(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[NumberChange, ...]:
    """What differs between two cases, in the order of the second.

    Parameters
    ----------
    before, after
        As :func:`recanal.core.case.case_json` gives them.

    Notes
    -----
    Lesions are compared with the one whose caps are nearest, each used once; scores by sheet and endpoint; plans by
    algorithm; findings by name. Values per section (``profile``), points of the tree, and flags are not listed: both
    versions stand in the case.
    """
    rows = _lesion_changes(before["lesions"], after["lesions"])
    rows += _finding_changes(before["findings"], after["findings"])
    rows += _score_changes(before["scores"], after["scores"])
    rows += _plan_changes(before["strategy"], after["strategy"])
    old, new = (
        dict(_leaves({"quality": case["quality"], "findings_of": case["findings_of"]})) for case in (before, after)
    )
    rows += [_change(path, words(path.split(".")[-1]), old.get(path), new[path]) for path in new]
    rows += _segment_changes(before["tree"], after["tree"])
    return tuple(row for row in rows if row.before != row.after)


def changed_others(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[NumberChange, ...]:
    """What differs between two cases in what they say of the arteries beside the occlusions.

    Parameters
    ----------
    before, after
        As :func:`recanal.core.case.case_json` gives them.

    Notes
    -----
    Items are compared by the name of the artery, in their order where several have one, or the id of the occlusion;
    points and flags are left out.
    """
    rows = []
    for part, key in OTHERS.items():
        old = {_named(before[part], key, index): dict(_leaves(item)) for index, item in enumerate(before[part])}
        for index, item in enumerate(after[part]):
            name, new = _named(after[part], key, index), dict(_leaves(item))
            known = old.pop(name, {})
            for path in (*new, *(path for path in known if path not in new)):
                label = f"{name}: {_plain(path)}"
                rows.append(_change(f"{part}.{index}.{path}", label, known.get(path), new.get(path)))
        for name, known in old.items():
            rows += [_change(f"before.{part}.{name}.{path}", f"{name} (gone)", known[path], None) for path in known]
    return tuple(row for row in rows if row.before != row.after)


def _named(items: Sequence[Mapping[str, Any]], key: str, index: int) -> str:
    """The name of an item, with its number where others before it have the same."""
    name = str(items[index][key])
    earlier = sum(str(item[key]) == name for item in items[:index])
    return f"{name} {earlier + 1}" if earlier else name


def lesion_pairs(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Index of the earlier lesion that each later one continues; lesions without one are new.

    Examples
    --------
    >>> near, far = {"proximal_cap_mm": [0, 0, 0]}, {"proximal_cap_mm": [90, 0, 0]}
    >>> lesion_pairs([near, far], [far])
    {0: 1}
    """
    rows = [(_apart(old, new), later, earlier) for later, new in enumerate(after) for earlier, old in enumerate(before)]
    pairs: dict[int, int] = {}
    for _, later, earlier in sorted(rows):
        if later not in pairs and earlier not in pairs.values():
            pairs[later] = earlier
    return dict(sorted(pairs.items()))


def _apart(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """Summed distance of the caps that both have; 0 where they share none."""
    total = 0.0
    for name in ("proximal_cap_mm", "distal_cap_mm"):
        if old.get(name) and new.get(name):
            total += float(np.linalg.norm(np.subtract(old[name], new[name])))
    return total


def _leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Every number, word and truth value with its path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in LEFT_OUT and not (key == "value" and path.endswith("_interval")):
                yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, value


def _change(path: str, label: str, before: Scalar, after: Scalar, *, main: bool = False) -> NumberChange:
    difference = None
    if _is_number(before) and _is_number(after):
        difference = float(f"{float(after or 0) - float(before or 0):.6g}")
    return NumberChange(path, label, _unit(path), before, after, difference, main)


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _unit(path: str) -> str:
    for name in reversed(path.split(".")):
        name = name.removesuffix("_interval")
        for end in sorted(UNITS, key=len, reverse=True):
            if name.endswith(end):
                return UNITS[end]
        if name not in ("value", "low", "high") and not name.isdigit():
            break
    return ""


def _lesion_changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[NumberChange]:
    pairs = lesion_pairs(before, after)
    rows = []
    for later, lesion in enumerate(after):
        earlier = pairs.get(later)
        old = {} if earlier is None else dict(_leaves(before[earlier]))
        title = str(lesion["id"])
        if earlier is None:
            title += " (new)"
        elif before[earlier]["id"] != lesion["id"]:
            title += f" ({before[earlier]['id']} before)"
        new = dict(_leaves(lesion))
        paths = (*new, *(path for path in old if path not in new))
        rows += [_lesion_row(f"lesions.{later}", path, title, old.get(path), new.get(path)) for path in paths]
    for earlier, lesion in enumerate(before):
        if earlier not in pairs.values():
            gone = dict(_leaves(lesion))
            title = f"{lesion['id']} (gone)"
            rows += [_lesion_row(f"before.lesions.{earlier}", path, title, gone[path], None) for path in gone]
    return rows


def _lesion_row(at: str, path: str, title: str, before: Scalar, after: Scalar) -> NumberChange:
    base, part = _base(path)
    label = LABELS.get(base) or _plain(base)
    return _change(f"{at}.{path}", f"{title}: {label}{part}", before, after, main=base in MAIN and not part)


def _plain(path: str) -> str:
    """A path in words.

    >>> _plain("plaque.components.fibrous.volume_mm3"), _plain("projections.0.overlap_percent")
    ('plaque fibrous volume', 'view 1 overlap')
    """
    names = path.removeprefix("plaque.components.").split(".")
    if names[0] == "projections" and len(names) > 2:
        return " ".join([f"view {int(names[1]) + 1}", *(_plain_name(name) for name in names[2:])])
    head = ["plaque"] if path.startswith("plaque.components.") else []
    return " ".join([*head, *(_plain_name(name) for name in names)])


def _plain_name(name: str) -> str:
    if name.isdigit() or name in NAMES:
        return NAMES.get(name) or str(int(name) + 1)
    end = next((end for end in sorted(UNITS, key=len, reverse=True) if name.endswith(end)), "")
    return words(name.removesuffix(end))


def _base(path: str) -> tuple[str, str]:
    """The field that a path belongs to, and which part of it."""
    head, _, last = path.rpartition(".")
    head = head.removesuffix("_interval")
    if last == "value":
        return head, ""
    if last in ("low", "high", "at_mm"):
        return head, {"low": ", lower bound", "high": ", upper bound", "at_mm": ", place"}[last]
    if last.isdigit() and head.endswith("_mm"):
        return head, f", {'xyz'[int(last)]}"
    return path, ""


def _finding_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[NumberChange]:
    rows = []
    for name in (*after, *(name for name in before if name not in after)):
        old, new = before.get(name) or {}, after.get(name) or {}
        for part, suffix in (
            ("value", ""),
            ("low", ", lower bound"),
            ("high", ", upper bound"),
            ("prob", ", probability"),
        ):
            label = f"finding: {finding_label(name).lower()}{suffix}"
            rows.append(_change(f"findings.{name}.{part}", label, old.get(part), new.get(part)))
    return rows


def _score_changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[NumberChange]:
    old = {_score_key(row): row for row in before}
    rows = []
    for index, score in enumerate(after):
        known = old.pop(_score_key(score), {})
        rows += _score_rows(f"scores.{index}", score, known, score)
    for index, score in enumerate(before):
        if _score_key(score) in old:
            rows += _score_rows(f"before.scores.{index}", score, score, {})
    return rows


def _score_key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name)) for name in ("sheet", "endpoint", "variant", "variant_label"))


def _score_rows(
    at: str, score: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]
) -> list[NumberChange]:
    variant = f" ({score['variant_label']})" if score.get("variant_label") else ""
    name = f"{score['name']}{variant}"
    rows = [
        _change(f"{at}.{part}", f"{name}: {label}", old.get(part), new.get(part), main=part.startswith("points"))
        for part, label in SCORE_FIELDS.items()
    ]
    was, now = old.get("stratum_probabilities") or {}, new.get("stratum_probabilities") or {}
    return rows + [
        _change(f"{at}.stratum_probabilities.{part}", f"{name}: probability of {part}", was.get(part), now.get(part))
        for part in (*now, *(part for part in was if part not in now))
    ]


def _plan_changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[NumberChange]:
    old = {row["algorithm"]: row for row in before}
    return [
        _change(
            f"strategy.{index}.start",
            f"{row['name'] or row['algorithm']}: start",
            old.get(row["algorithm"], {}).get("start"),
            row["start"],
            main=True,
        )
        for index, row in enumerate(after)
    ]


def _segment_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[NumberChange]:
    rows = []
    for index, (old, new) in enumerate(zip(before["segments"], after["segments"], strict=True)):
        for part in ("name", "scct", "vessel"):
            label = f"segment {index + 1}: {part}"
            rows.append(_change(f"tree.segments.{index}.{part}", label, old[part], new[part], main=part == "name"))
    return rows
