"""What a waiting user sees."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["show_share", "show_steps"]


@contextmanager
def show_steps(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr with the name of the step and the time; silent where stderr is no terminal.

    Yields
    ------
    callable
        Takes the name of the step that begins.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda step: progress.update(task, description=escape(step))


@contextmanager
def show_share(*, quiet: bool, lines: bool = False) -> Iterator[Callable[[float, str], None]]:
    """A bar on stderr; where stderr is no terminal silent, or one plain line for each step where ``lines`` asks for it.

    Yields
    ------
    callable
        Takes the done share in [0, 1] and the name of the step.
    """
    if quiet or not sys.stderr.isatty():
        yield _in_lines() if lines and not quiet else lambda share, step: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda share, step: progress.update(task, completed=share, description=escape(step))


def _in_lines() -> Callable[[float, str], None]:
    """A line for each step that differs from the one before it."""
    last = ""

    def tell(share: float, step: str) -> None:
        nonlocal last
        if step != last:
            last = step
            sys.stderr.write(f"recanal: {step}\n")
            sys.stderr.flush()

    return tell
