"""Tensors as the words of a stream, and back: what every simulator that runs a whole batch needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np

from golden.types import IntArray, IntType


@dataclass(frozen=True)
class Beats:
    """How one tensor lies on the words of a stream; made of a stream in a port description."""

    lanes: int
    bits: int
    dtype: IntType
    shape: tuple[int, ...]

    @classmethod
    def of(cls, port: Mapping[str, Any]) -> Beats:
        """From the entry of a port description."""
        return cls(port["lanes"], port["bits"], IntType.parse(port["dtype"]), tuple(port["shape"]))

    @property
    def inner(self) -> int:
        """The innermost dimension."""
        return self.shape[-1] if self.shape else 1

    @property
    def count(self) -> int:
        """Beats of one tensor."""
        return prod(self.shape[:-1]) * ceil(self.inner / self.lanes)

    @property
    def has_spare_lanes(self) -> bool:
        """Whether rows end amid a beat, so that lanes are left over that hold anything."""
        return self.inner % self.lanes > 0

    @property
    def word_bits(self) -> int:
        """Bits of a beat."""
        return self.lanes * self.bits

    def pack(self, x: IntArray) -> list[int]:
        """Words of a batch, ``count`` a sample; lanes past the end of a row are 0."""
        rows = np.asarray(x, dtype=np.int64).reshape(-1, self.inner)
        width = ceil(self.inner / self.lanes) * self.lanes
        padded = np.zeros((len(rows), width), dtype=np.int64)
        padded[:, : self.inner] = rows
        mask = (1 << self.bits) - 1
        if self.bits % 8 == 0 and self.bits <= 64:
            octets = (padded & mask).astype("<u8").view(np.uint8).reshape(len(rows), width, 8)
            raw = np.ascontiguousarray(octets[:, :, : self.bits // 8]).tobytes()
            step = self.word_bits // 8
            return [int.from_bytes(raw[place : place + step], "little") for place in range(0, len(raw), step)]
        beats = padded.reshape(-1, self.lanes).tolist()
        return [sum((value & mask) << (lane * self.bits) for lane, value in enumerate(beat)) for beat in beats]

    def unpack(self, words: Sequence[int]) -> IntArray:
        """The batch whose words these are; ``len(words)`` is a multiple of ``count``."""
        mask, sign = (1 << self.bits) - 1, 1 << (self.bits - 1)
        flip = sign if self.dtype.signed else 0
        values = [
            ((((word >> (lane * self.bits)) & mask) ^ flip) - flip) for word in words for lane in range(self.lanes)
        ]
        width = ceil(self.inner / self.lanes) * self.lanes
        rows = np.array(values, dtype=np.int64).reshape(-1, width)[:, : self.inner]
        return rows.reshape(-1, *self.shape)
