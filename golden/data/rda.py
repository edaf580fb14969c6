"""Tables that R saved, as R's packages of data sets ship them: as much of the format as a data frame needs.

The format is described in "R Internals", section 1.8 (serialization), version 2 or 3 in XDR: big-endian items, each a
word of flags (type in the low byte, whether attributes and a tag follow), then its content.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_DECOMPRESS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
}
_HEADERS = {b"RDX2\nX\n": 2, b"RDX3\nX\n": 3}
_SYMBOL, _PAIRS, _STRING, _LOGICALS, _INTEGERS, _REALS, _STRINGS, _LIST = 1, 2, 9, 10, 13, 14, 16, 19
_NIL, _REFERENCE = 254, 255
_ATTRIBUTES, _TAG = 0x200, 0x400
_DEEPEST = 50


@dataclass(frozen=True)
class Factor:
    """A column of categories: ``levels[codes[i]]`` is the category of row ``i``."""

    codes: npt.NDArray[np.int64]
    levels: tuple[str, ...]


Column = npt.NDArray[Any] | Factor


def read_data_frame(path: str | Path, name: str) -> dict[str, Column]:
    """The columns, by their names, of the data frame called ``name`` in an ``.rda`` file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: for what is no such file, is truncated or has no such data frame; it names the file.
    """
    path = Path(path)
    content = path.read_bytes()
    try:
        for magic, decompress in _DECOMPRESS.items():
            if content.startswith(magic):
                content = decompress(content)
        variables = _Reader(content).variables()
        if name not in variables:
            raise ValueError(f"there is no {name!r} in it, there is {', '.join(variables) or 'nothing'}")
        return _columns(variables[name])
    except (ValueError, EOFError, OSError, OverflowError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{path} cannot be read as a data frame of R: {error}") from error


@dataclass
class _Vector:
    values: Any
    attributes: dict[str, Any] = field(default_factory=dict)


def _columns(frame: Any) -> dict[str, Column]:
    names = _texts(frame, "names")
    if names is None or not isinstance(frame.values, list) or len(names) != len(frame.values):
        raise ValueError("it is no list of columns with a name each")
    columns: dict[str, Column] = {}
    for name, column in zip(names, frame.values, strict=True):
        if not isinstance(column, _Vector) or not isinstance(column.values, np.ndarray):
            raise ValueError(f"the column {name!r} holds no numbers")
        levels = _texts(column, "levels")
        if levels is None:
            columns[name] = column.values
            continue
        codes = column.values.astype(np.int64) - 1  # R counts from 1; a value that is missing is the lowest integer
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(levels):
            raise ValueError(f"the column {name!r} has values without a level")
        columns[name] = Factor(codes, levels)
    if len({len(column.codes if isinstance(column, Factor) else column) for column in columns.values()}) > 1:
        raise ValueError("its columns are not of one length")
    return columns


def _texts(vector: Any, attribute: str) -> tuple[str, ...] | None:
    """An attribute that consists of strings; None where there is no such."""
    found = vector.attributes.get(attribute) if isinstance(vector, _Vector) else None
    if not isinstance(found, _Vector) or not all(isinstance(text, str) for text in found.values):
        return None
    return tuple(found.values)


class _Reader:
    """Items from bytes; symbols are numbered as they come, so that references can name them."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._depth = content, 0, 0
        self._symbols: list[str] = []

    def variables(self) -> dict[str, Any]:
        version = _HEADERS.get(self._take(7))
        if version is None:
            raise ValueError(f"it must begin with RDX2 or RDX3 in XDR, not with {self._content[:7]!r}")
        self._take(12)  # the version of the format, of the writer, and of the oldest reader
        if version == 3:
            self._take(self._int())  # the native encoding of strings
        pairs = self._item()
        if not isinstance(pairs, dict):
            raise ValueError("it must hold variables by name")
        return pairs

    def _take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._content):
            raise ValueError(f"it ends after {len(self._content)} bytes, where {size} more must follow {self._at}")
        self._at += size
        return self._content[self._at - size : self._at]

    def _int(self) -> int:
        return int(struct.unpack(">i", self._take(4))[0])

    def _item(self) -> Any:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"its items are nested deeper than {_DEEPEST}")
        item = self._content_of(self._int())
        self._depth -= 1
        return item

    def _content_of(self, flags: int) -> Any:
        match flags & 0xFF:
            case kind if kind == _NIL:
                return None
            case kind if kind == _SYMBOL:
                self._symbols.append(str(self._item()))
                return self._symbols[-1]
            case kind if kind == _REFERENCE:
                number = (flags >> 8) or self._int()
                if not 1 <= number <= len(self._symbols):
                    raise ValueError(f"it refers to symbol {number} of {len(self._symbols)}")
                return self._symbols[number - 1]
            case kind if kind == _STRING:
                size = self._int()
                return None if size == -1 else self._take(size).decode("utf-8", "replace")
            case kind if kind == _PAIRS:
                return self._pairs(flags)
            case kind if kind in (_LOGICALS, _INTEGERS):
                values: Any = np.frombuffer(self._take(4 * self._int()), dtype=">i4").astype(np.int64)
            case kind if kind == _REALS:
                values = np.frombuffer(self._take(8 * self._int()), dtype=">f8").astype(np.float64)
            case kind if kind in (_STRINGS, _LIST):
                values = [self._item() for _ in range(self._int())]
            case kind:
                raise ValueError(f"it has an item of type {kind} before byte {self._at}, which no data frame needs")
        attributes = self._item() if flags & _ATTRIBUTES else None
        return _Vector(values, attributes if isinstance(attributes, dict) else {})

    def _pairs(self, flags: int) -> dict[str, Any]:
        """A chain of tagged values; the last one is followed by nil."""
        pairs: dict[str, Any] = {}
        while flags & 0xFF == _PAIRS:
            if flags & _ATTRIBUTES:
                self._item()
            tag = self._item() if flags & _TAG else ""
            pairs[str(tag)] = self._item()
            flags = self._int()
        return pairs
