"""Worked examples: printed tables of two publications, as facts with their DOI."""

from __future__ import annotations

from importlib import resources

from recanal.audit.reading import read_tables_text
from recanal.audit.rows import Document
from recanal.errors import TableError

__all__ = ["example_names", "read_example"]


def example_names() -> tuple[str, ...]:
    """Names of the worked examples."""
    files = [entry.name for entry in resources.files(__name__).iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def read_example(name: str) -> Document:
    """A worked example.

    Raises
    ------
    TableError
        When there is none of that name.
    """
    if name not in example_names():
        raise TableError(f"No example is called {name!r}.", hint=f"Examples: {', '.join(example_names())}.")
    text = resources.files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return read_tables_text(text, "toml", title=name)
