"""The shipped algorithms."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from recanal.errors import OptionError, SheetError
from recanal.strategy.algorithm import Algorithm
from recanal.strategy.parsing import parse_algorithm

__all__ = ["algorithm_ids", "load_algorithm"]

_FOLDER = "algorithms"
_ORDER = ("hybrid_2012", "asia_pacific_2017", "eurocto_2019", "global_2021", "operator_cto_2021", "ctop_access")


@lru_cache(maxsize=1)
def algorithm_ids() -> tuple[str, ...]:
    """The ids of the shipped algorithms by year of publication, tables of material last."""
    folder = resources.files("recanal.strategy").joinpath(_FOLDER)
    names = {entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return (*(name for name in _ORDER if name in names), *sorted(names.difference(_ORDER)))


@lru_cache(maxsize=64)
def load_algorithm(algorithm_id: str) -> Algorithm:
    """A shipped algorithm.

    Raises
    ------
    OptionError
        When there is none of that id.
    SheetError
        When its file is not well formed.
    """
    if algorithm_id not in algorithm_ids():
        raise OptionError(
            f"No crossing algorithm is called {algorithm_id!r}.", hint=f"Known: {', '.join(algorithm_ids())}."
        )
    entry = resources.files("recanal.strategy").joinpath(_FOLDER).joinpath(f"{algorithm_id}.toml")
    algorithm = parse_algorithm(entry.read_text(encoding="utf-8"), label=algorithm_id)
    if algorithm.id != algorithm_id:
        raise SheetError(f"{algorithm_id}: id: must equal the file name, got {algorithm.id!r}.")
    return algorithm
