"""Arrays of bytes in the IDX format of MNIST and its relatives, plain or compressed by gzip."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

_BYTES = 0x08
_GZIP = b"\x1f\x8b"


def read_idx(path: str | Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """The array of unsigned bytes in an IDX file, of as many dimensions: 3 for images, 1 for labels.

    A file is ``00 00 08 dimensions``, then every size as 32 bits, big-endian, then the elements in row-major order
    (LeCun, Cortes & Burges, "The MNIST database").

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for a file of another kind or dimension, or of another length than it says; it names the file.
    """
    path = Path(path)
    content = path.read_bytes()
    if content[:2] == _GZIP:
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path} is not a whole gzip file: {error}") from error
    magic, header = bytes([0, 0, _BYTES, dimensions]), 4 + 4 * dimensions
    if content[:4] != magic:
        raise ValueError(
            f"{path} must be an IDX file of bytes in {dimensions} dimensions, which begins with {magic.hex(' ')}, "
            f"not with {content[:4].hex(' ') or 'nothing'}"
        )
    if len(content) < header:
        raise ValueError(f"{path} must have a header of {header} bytes, it ends after {len(content)}")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise ValueError(
            f"{path} must have {math.prod(shape)} elements for its shape {shape}, not {len(content) - header}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
