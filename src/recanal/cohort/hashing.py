"""Hashes of rows and of audit entries: the canonical form, leaves and chain.

A row is the compact JSON array of its values in a named order of columns: text in quotes, whole numbers, floats in
their shortest form, ``null``. Its leaf is the SHA-256 of the UTF-8 of that array. The leaves of a batch are kept in
chunks; the hash of the batch is the SHA-256 of the SHA-256 of each chunk. An audit entry is the JSON object of its
fields, sorted by name and without its own hash; each holds the hash of the one before.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

__all__ = ["CHUNK_ROWS", "LEAF_BYTES", "chunks_hash", "entry_hash", "leaf", "leaves", "split_chunks"]

CHUNK_ROWS = 4096
LEAF_BYTES = 32
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
# where polars and Python write a float alike
_LEAST, _MOST = 1e-4, 1e16


def leaf(values: Sequence[Any]) -> bytes:
    """The 32 bytes of one row.

    Examples
    --------
    >>> leaf(["L1", 22.5, None]).hex()[:8] == hashlib.sha256(b'["L1",22.5,null]').hexdigest()[:8]
    True
    """
    plain = [_plain(value) for value in values]
    return hashlib.sha256(_encode(plain).encode()).digest()


def leaves(frame: pl.DataFrame) -> bytes:
    """The leaves of a frame's rows, one after the other: ``leaf`` of each, computed by columns."""
    if frame.height == 0:
        return b""
    texts = frame.select(
        pl.concat_str(
            [pl.lit("["), pl.concat_str([_json(frame[name]) for name in frame.columns], separator=","), pl.lit("]")]
        )
    ).to_series()
    sha256 = hashlib.sha256
    return b"".join([sha256(text.encode()).digest() for text in texts.to_list()])


def split_chunks(data: bytes) -> list[bytes]:
    """Leaves in chunks of :data:`CHUNK_ROWS`."""
    step = CHUNK_ROWS * LEAF_BYTES
    return [data[start : start + step] for start in range(0, len(data), step)]


def chunks_hash(chunks: Iterable[bytes]) -> str:
    """The hash of a batch from its chunks, as 64 hexadecimal digits."""
    return hashlib.sha256(b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)).hexdigest()


def entry_hash(entry: Mapping[str, Any]) -> str:
    """The hash of an audit entry, as 64 hexadecimal digits; its own ``hash`` is left out."""
    fields = {name: entry[name] for name in sorted(entry) if name != "hash"}
    return hashlib.sha256(_encode(fields).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    if value is None or isinstance(value, int | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat()


def _json(series: pl.Series) -> pl.Series:
    """A column as JSON text, one value each."""
    if series.dtype == pl.Float64:
        text = _floats(series)
    elif series.dtype == pl.String:
        text = _strings(series)
    elif series.dtype == pl.Date:
        text = _strings(series.dt.to_string("%Y-%m-%d"))
    else:
        text = series.cast(pl.String)
    return text.fill_null("null")


def _floats(series: pl.Series) -> pl.Series:
    values = series.set((series == 0).fill_null(value=False), 0.0)
    size = values.abs()
    odd = ((size != 0) & ((size < _LEAST) | (size >= _MOST))).fill_null(value=False)
    if not odd.any():
        return values.cast(pl.String)
    return values.map_elements(_encode, return_dtype=pl.String)


def _strings(series: pl.Series) -> pl.Series:
    if series.str.contains(r'["\\\x00-\x1f]').any():
        return series.map_elements(_encode, return_dtype=pl.String)
    return pl.select(pl.concat_str([pl.lit('"'), series, pl.lit('"')])).to_series()
