"""What a command does when something happens that nobody foresaw."""

from __future__ import annotations

import errno
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any, TypeVar

import click

from recanal.cli.errors import OUT
from recanal.cli.stopped import STOPPED, STOPPED_STATUS
from recanal.errors import RecanalError, shown_name

__all__ = ["CarefulGroup", "debug_option"]

_DEBUG = "recanal.debug"
_MAKE_ROOM = "Make room for {} and for temporary files, or name another folder."
_MAY_WRITE = "Check the right to write to {}, or name another folder."
_ADVICE = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EFBIG: "Let files of {} grow larger, as with `ulimit -f unlimited`, or name a folder on another disk.",
    errno.EIO: "Check the disks of the input and of {}, or name another folder.",
    errno.EROFS: _MAY_WRITE,
    errno.EACCES: _MAY_WRITE,
    errno.EPERM: _MAY_WRITE,
}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
_ENDING = ("SIGTERM", "SIGHUP")
_Command = TypeVar("_Command", bound=Callable[..., Any])


def debug_option(command: _Command) -> _Command:
    """Add ``--debug`` to a command: after an unforeseen error the traceback is printed too."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_remember,
        help="Print the traceback of an unforeseen error; it may quote the input, so read it before sharing it.",
    )(command)


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_DEBUG] = value


class _Ended(KeyboardInterrupt):
    """The system asked the command to end; it ends as after Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


@contextmanager
def _ends_cleanly() -> Iterator[None]:
    """End as after Ctrl-C where the system asks for it, as a scheduler or a closed terminal does."""
    known = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    free = [one for one in known if signal.getsignal(one) == signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        free = []
    for one in free:
        signal.signal(one, _end)
    try:
        yield
    finally:
        for one in free:
            signal.signal(one, signal.SIG_DFL)


def _end(number: int, _: FrameType | None) -> None:
    for name in _ENDING:  # a second one, as of `timeout` or a closing terminal, must not break into the putting away
        if signal.getsignal(getattr(signal, name)) is _end:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise _Ended(number)


class _Misuse(click.UsageError):
    """A mistake on the command line, said in one line."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write what was wrong, and where the right use stands."""
        path = "recanal" if self.ctx is None else self.ctx.command_path
        message = " ".join(self.format_message().split())
        end = "" if message.endswith((".", "?", "!")) else "."
        click.echo(f"recanal: {message}{end} `{path} --help` shows the use.", file=file or sys.stderr)


class CarefulGroup(click.Group):
    """A group whose commands end an error with one line on stderr.

    After a mistake on the command line the exit status is 2; after an error that nobody foresaw it is 1, and the line
    names the kind of error and the place in the source, never its text, which may quote the input. After Ctrl-C it is
    130, after SIGTERM 143 and after SIGHUP 129.
    """

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """The context of the group.

        Raises
        ------
        click.UsageError
            That is shown in one line.
        """
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            raise _in_one_line(error) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command.

        Raises
        ------
        click.UsageError
            That is shown in one line.
        click.exceptions.Exit
            With status 1 after an error that is neither click's nor recanal's own, with 130 after Ctrl-C, 143 and 129
            after the signals that ask a command to end.
        """
        try:
            with _ends_cleanly():
                return super().invoke(ctx)
        except click.UsageError as error:
            raise _in_one_line(error) from error
        except KeyboardInterrupt as stop:
            start = "\n" if sys.stderr.isatty() else ""  # the terminal has written ^C on this line
            click.echo(f"{start}{STOPPED}", err=True)
            raise click.exceptions.Exit(stop.status if isinstance(stop, _Ended) else STOPPED_STATUS) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort, RecanalError):
            raise
        except Exception as error:
            if isinstance(error, BrokenPipeError):
                raise
            if ctx.meta.get(_DEBUG):
                click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
            click.echo(f"recanal: {_sentence(error, ctx.meta.get(OUT))}", err=True)
            raise click.exceptions.Exit(1) from error


def _in_one_line(error: click.UsageError) -> click.UsageError:
    """The same mistake; help that was printed because nothing was asked for is left as it is."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError | _Misuse):
        return error
    return _Misuse(error.format_message(), error.ctx)


def _sentence(error: Exception, out: Path | None) -> str:
    if isinstance(error, OSError) and error.errno in _ADVICE:
        result = "the result" if out is None else ascii(shown_name(out))
        return f"The system refused a file: {error.strerror}. {_ADVICE[error.errno].format(result)}"
    if isinstance(error, OSError) and error.errno in _TOO_MANY:
        return "The system allows too few open files. Raise the limit, as with `ulimit -n 4096`, and try again."
    if "can't start new thread" in str(error) or (isinstance(error, OSError) and error.errno == errno.EAGAIN):
        return "The system allows no further thread or process. Close other programs, or raise the limit (`ulimit -u`)."
    if isinstance(error, MemoryError):
        return "The memory is not enough for this study. Close other programs or take a machine with more."
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"Something unforeseen went wrong ({type(error).__name__}, {Path(place.filename).name} line {place.lineno}). "
        "Please report this line with the version; --debug shows more."
    )
