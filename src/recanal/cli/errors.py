"""What a command does when recanal refuses its input."""

from __future__ import annotations

from typing import Any

import click

from recanal.errors import RecanalError

__all__ = ["OUT", "RecanalCommand"]

OUT = "recanal.out"
"""Where the context of a command keeps what was given as ``--out``."""

UNUSABLE_INPUT = 2


class RecanalCommand(click.Command):
    """A command that turns a recanal error into one line on stderr and exit status 2.

    Examples
    --------
    ``@click.command(cls=RecanalCommand)``; in a group, ``@group.command(cls=RecanalCommand)``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises
        ------
        click.UsageError
            That knows its command: click leaves it out where an option lacks its value.
        """
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises
        ------
        click.exceptions.Exit
            With status 2 after a recanal error.
        """
        ctx.meta[OUT] = ctx.params.get("out")
        try:
            return super().invoke(ctx)
        except RecanalError as error:
            click.echo(f"recanal: {' '.join(str(error).split())}", err=True)
            ctx.exit(UNUSABLE_INPUT)
