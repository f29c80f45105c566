"""A token table as a file that processes share by mapping it.

After a header come the offsets, int64, and then the ids, int32, all little-endian:

    magic "DSSTOKEN" | format, u32 | unused, u32 | rows, u64 | tokens, u64 | key, 32 bytes | SHA-256 of all else

A file is written beside its name and moved there, and never changed after that: who has it mapped keeps what it says,
also once it is deleted.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from dss_worker.data.tokens import TokenTable

# Changes whenever the same bytes would be read otherwise.
FORMAT = 1
_MAGIC = b"DSSTOKEN"
_HEADER = struct.Struct("<8sIIQQ32s")
_DIGEST_BYTES = hashlib.sha256().digest_size
# A multiple of 8, so that the offsets lie where a processor reads them at once.
_PAYLOAD = _HEADER.size + _DIGEST_BYTES
_OFFSET, _ID = np.dtype("<i8"), np.dtype("<i4")


class DamagedTable(Exception):
    """A file that is not what was written; says what is wrong with it."""


def write_table(path: Path, table: TokenTable, *, key: bytes, beside: Path) -> None:
    """Writes a table under its name, whole or not at all.

    Args:
        key: 32 bytes that say what the table was made from.
        beside: where it is written first, on the same file system; what is there is overwritten.
    Raises: OSError.
    """
    parts: list[bytes | memoryview] = [
        _HEADER.pack(_MAGIC, FORMAT, 0, len(table), len(table.ids), key),
        _bytes(table.offsets, _OFFSET),
        _bytes(table.ids, _ID),
    ]
    try:
        with beside.open("wb") as file:
            file.write(parts[0])
            file.write(_digest(*parts))
            file.writelines(parts[1:])
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def map_table(path: Path, *, key: bytes) -> TokenTable:
    """The table of a file, as arrays that lie in the file.

    Raises: FileNotFoundError; OSError if it cannot be read; DamagedTable.
    """
    with path.open("rb") as file:
        rows, tokens = _read_header(file, key)
        # Of the file itself: what is behind it stays there until the arrays are gone, deleted or not.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    content = memoryview(mapped)
    digest = bytes(content[_HEADER.size : _PAYLOAD])
    if _digest(content[: _HEADER.size], content[_PAYLOAD:]) != digest:
        raise DamagedTable("its checksum is that of other content")
    ids_at = _PAYLOAD + (rows + 1) * _OFFSET.itemsize
    return TokenTable(
        ids=_array(content[ids_at:], _ID, tokens),
        offsets=_array(content[_PAYLOAD:ids_at], _OFFSET, rows + 1),
    )


def _read_header(file: BinaryIO, key: bytes) -> tuple[int, int]:
    """Rows and tokens."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise DamagedTable(f"expected a header of {_HEADER.size} bytes, got {len(header)}")
    magic, written, _, rows, tokens, found = _HEADER.unpack(header)
    if (magic, written) != (_MAGIC, FORMAT):
        raise DamagedTable(f"expected a token table of format {FORMAT}, got other content")
    if found != key:
        raise DamagedTable("it is the table of other content")
    expected = _PAYLOAD + (rows + 1) * _OFFSET.itemsize + tokens * _ID.itemsize
    size = os.fstat(file.fileno()).st_size
    if size != expected:
        raise DamagedTable(f"expected {expected} bytes for {rows} rows and {tokens} tokens, got {size}")
    return rows, tokens


def _bytes(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> memoryview:
    return np.ascontiguousarray(array, dtype=dtype).view(np.uint8).data


def _digest(*parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _array(content: memoryview, dtype: np.dtype[Any], count: int) -> npt.NDArray[Any]:
    return np.frombuffer(content, dtype=dtype, count=count)
