"""Printed counts, means and medians beside those of a table of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recanal.audit.printed import CountCell, MeanCell, SpanCell
from recanal.audit.rows import Group, Row
from recanal.errors import OptionError
from recanal.reproduction.errors_of_print import mean_error, quartile_errors, sd_error
from recanal.reproduction.paper import Link, cell_shares
from recanal.reproduction.quantities import CellComparison, Quantity, share_quantity
from recanal.study.wording import count_text, number_text, quartiles_text

__all__ = ["Place", "count_cell", "mean_cell", "median_cell"]

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """A printed row and where the plan computes it.

    Parameters
    ----------
    row, link
        As printed, and its analysis and variable.
    analyses
        Records of the plan.
    lesions_count
        Lesions of the paper.
    """

    row: Row
    link: Link
    analyses: Record
    lesions_count: int

    def analysis(self, name: str) -> Record:
        """An analysis of the plan.

        Raises
        ------
        OptionError
            When there is none of this name.
        """
        if name not in self.analyses:
            raise OptionError(f"The plan has no analysis '{name}', which {self.row.table} needs.")
        found: Record = self.analyses[name]
        return found

    def entry(self, name: str, part: str, key: str) -> tuple[Record, str]:
        """What an analysis says of the variable, and its JSON pointer; ``key`` names the variable in a list ``part``.

        Raises
        ------
        OptionError
            When the analysis does not hold it.
        """
        for number, one in enumerate(self.analysis(name)[part]):
            if one[key] == self.link.variable:
                return one, f"/analyses/{name}/{part}/{number}"
        raise OptionError(f"The analysis '{name}' has no '{self.link.variable}'.")

    @property
    def label(self) -> str:
        """What the row is called: by the plan, or as printed where it is a level or has no row of a table."""
        analysis = self.analysis(self.link.analysis)
        for part in ("rows", "predictors"):
            for one in analysis.get(part, ()) if not self.link.part or part == "predictors" else ():
                if one.get("variable") == self.link.variable:
                    return str(one["label"])
        return self.row.name

    @property
    def record(self) -> Record:
        """The row of the table of the plan."""
        return self.entry(self.link.analysis, "rows", "variable")[0]

    @property
    def source(self) -> str:
        """Its JSON pointer."""
        return self.entry(self.link.analysis, "rows", "variable")[1]

    def column(self, number: int) -> tuple[Record, str, int]:
        """A column of the row, its pointer and the number of cases printed for it; -1 for all together."""
        groups: tuple[Group, ...] = getattr(self.row.content, "groups", ())
        sizes = [group.size_count or 0 for group in groups]
        if number < 0 or len(groups) == 1:
            return self.record["all"], f"{self.source}/all", sum(sizes)
        return self.record["groups"][number], f"{self.source}/groups/{number}", sizes[number]


def count_cell(place: Place, number: int, cell: CountCell, code: str = "") -> CellComparison:
    """A count; ``code`` is the level that is counted, that of the link or 1 where empty."""
    found, source, size = place.column(number)
    codes = list(place.record["codes"])
    wanted = code or place.link.part or "1"
    count = int(found["counts"][codes.index(wanted)]) if wanted in codes else 0
    total = int(found["n"])
    if cell.count is not None and cell.total is not None:
        size = cell.total
    printed = cell_shares((cell,), (size,))[0]
    quantity = share_quantity(printed, count / total if total else 0.0, size, source)
    return CellComparison(cell.text, count_text(count, total), (quantity,), source)


def mean_cell(place: Place, number: int, cell: MeanCell) -> CellComparison:
    """A mean with its standard deviation; a mean without one, of a single case, has no error and is not judged."""
    found, source, size = place.column(number)
    mean, sd = found["mean_value"], found["sd_value"]
    decimals = cell.mean.decimals
    text = f"{number_text(mean, decimals=decimals)} ± {number_text(sd, decimals=decimals)}"
    if cell.sd is None or cell.sd.value == 0:
        return CellComparison(cell.text, text, (), source)
    pairs = (
        ("mean", cell.mean.value, mean, mean_error(cell.sd.value, size)),
        ("sd", cell.sd.value, sd, sd_error(cell.sd.value, size)),
    )
    quantities = tuple(
        Quantity(kind, printed, value, error, (value - printed) / error, source)
        for kind, printed, value, error in pairs
    )
    return CellComparison(cell.text, text, quantities, source)


def median_cell(place: Place, number: int, cell: SpanCell) -> CellComparison:
    """A median with its quartiles."""
    found, source, size = place.column(number)
    values = (found["median_value"], found["q1_value"], found["q3_value"])
    printed = (cell.centre.value, cell.low.value, cell.high.value)
    errors = quartile_errors(*printed, size)
    quantities = tuple(
        Quantity(kind, wanted, value, error, _sigmas(value - wanted, error), source)
        for kind, wanted, value, error in zip(("median", "quartile", "quartile"), printed, values, errors, strict=True)
    )
    return CellComparison(cell.text, quartiles_text(*values, decimals=2), quantities, source)


def _sigmas(difference: float, error: float) -> float:
    """A printed quartile equal to the median has no error: the reproduced one must be equal."""
    if error > 0:
        return difference / error
    return 0.0 if difference == 0 else float("inf")
