"""GDCM at arm's length: a process of its own, with limits on memory and time.

GDCM is the one permissively licensed decoder of JPEG lossless (processes 14 and 14 SV1), and it is C++
with a history of memory faults on damaged input. A fault here ends the child, not the caller.

The child reads frames from standard input and writes decoded frames to standard output::

    {"memory": bytes, "seconds": n}                   one line, once
    {"syntax": ..., "options": {...}, "length": n}    one line per frame, then the compressed frame
    <length: 8 bytes big endian><decoded frame>       the answer; length 0: refused
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from recanal.dicom.codecs import decode_frame, frame_options
from recanal.dicom.slices import PixelLayout
from recanal.errors import ReadError

__all__ = ["GdcmProcess", "serve"]

_MEMORY_BYTES = 2**30
_SECONDS_PER_FRAME = 20.0
_CPU_SECONDS = 600


class GdcmProcess:
    """A child that decodes frames; use it as a context manager.

    Parameters
    ----------
    seconds_per_frame
        After which the child is ended.
    """

    def __init__(self, *, seconds_per_frame: float = _SECONDS_PER_FRAME) -> None:
        self._seconds = seconds_per_frame
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [sys.executable, "-P", "-m", "recanal.dicom.gdcm_process"]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        job = {"memory": _MEMORY_BYTES, "seconds": _CPU_SECONDS}
        with contextlib.suppress(OSError):
            self._stream("stdin").write(json.dumps(job).encode() + b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        child = self._child
        if child is None:
            return
        with contextlib.suppress(OSError):
            self._stream("stdin").close()
        try:
            child.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._stream("stdout").close()

    def decode(self, data: bytes, layout: PixelLayout) -> NDArray[np.int16]:
        """One decoded frame.

        Raises
        ------
        ReadError
            ``decode``, without a file name, where GDCM refuses the frame, faults or runs out of time or memory.
        """
        expected = layout.rows * layout.columns * 2
        order = {"syntax": layout.syntax, "options": frame_options(layout), "length": len(data)}
        with self._lock, self._deadline():
            try:
                stdin, stdout = self._stream("stdin"), self._stream("stdout")
                stdin.write(json.dumps(order).encode() + b"\n" + data)
                stdin.flush()
                length = int.from_bytes(stdout.read(8), "big")
                pixels = stdout.read(expected) if length == expected else b""
            except OSError:
                pixels = b""
        if len(pixels) != expected:
            raise ReadError("The JPEG lossless pixels cannot be decoded within the limits.", rule="decode")
        return np.frombuffer(pixels, dtype=np.int16).reshape(layout.rows, layout.columns)

    def _stream(self, name: str) -> IO[bytes]:
        stream: IO[bytes] | None = getattr(self._child, name, None)
        if stream is None:
            raise OSError("The decoder process is not running.")
        return stream

    @contextlib.contextmanager
    def _deadline(self) -> Iterator[None]:
        child = self._child
        timer = threading.Timer(self._seconds, child.kill if child is not None else lambda: None)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer frames until the source ends; the child's loop."""
    job = json.loads(source.readline(65_536))
    _limit(int(job["memory"]), int(job["seconds"]))
    while line := source.readline(65_536):
        order = json.loads(line)
        try:
            pixels = decode_frame(source.read(order["length"]), order["syntax"], order["options"]).tobytes()
        except ReadError:
            pixels = b""
        sink.write(len(pixels).to_bytes(8, "big") + pixels)
        sink.flush()


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    """Bound what this process may add to its address space, and its CPU time, where the platform can."""
    try:
        import resource
    except ImportError:
        return
    for kind, limit in (
        (resource.RLIMIT_AS, _address_space_bytes() + memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))


def _address_space_bytes() -> int:
    """What the process takes now: the interpreter and numpy's threads, which differ between machines."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 2**32
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
