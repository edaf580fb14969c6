"""How a host talks to a trainer: where a weight lies in the memory, and what frames are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from golden.types import IntArray
from rtlgen.training.schedule import Schedule


def rows_of(schedule: Schedule, weights: Sequence[IntArray]) -> IntArray:
    """Master weights of all layers, shape (outputs, inputs + 1) each, as words of the memory, shape (words, lanes).

    Raises:
        ValueError: for weights of another shape, or outside of 16 bits.
    """
    blocks = []
    for place, (layer, weight) in enumerate(zip(schedule.layers, weights, strict=True), 1):
        if weight.shape != (layer.outputs, layer.columns):
            raise ValueError(
                f"layer {place}: the weights must have shape ({layer.outputs}, {layer.columns}), not {weight.shape}"
            )
        if weight.size and (weight.min() < -(1 << 15) or weight.max() >= 1 << 15):
            raise ValueError(f"layer {place}: weights must be within 16 bits, not {weight.min()} to {weight.max()}")
        padded = np.zeros((layer.blocks * layer.lanes, layer.columns), dtype=np.int64)
        padded[: layer.outputs] = weight
        blocks.append(padded.reshape(layer.blocks, layer.lanes, layer.columns).transpose(0, 2, 1))
    return np.concatenate([block.reshape(-1, schedule.lanes) for block in blocks])


def weights_of(schedule: Schedule, rows: npt.ArrayLike) -> list[IntArray]:
    """The inverse of ``rows_of``."""
    words = np.asarray(rows, dtype=np.int64).reshape(-1, schedule.lanes)
    found = []
    for layer, base in zip(schedule.layers, schedule.weight_base[:-1], strict=True):
        own = words[base : base + layer.words].reshape(layer.blocks, layer.columns, layer.lanes)
        found.append(own.transpose(0, 2, 1).reshape(-1, layer.columns)[: layer.outputs])
    return found


def load_frame(schedule: Schedule, weights: Sequence[IntArray]) -> list[int]:
    """The bytes of a frame that loads the weights: the lower byte first."""
    words = rows_of(schedule, weights).reshape(-1) & 0xFFFF
    return [int(byte) for word in words for byte in (word & 0xFF, word >> 8)]


def sample_frame(x: npt.ArrayLike, label: int = 0) -> list[int]:
    """The bytes of a sample."""
    return [*(int(value) & 0xFF for value in np.asarray(x)), label]


def signature_of(schedule: Schedule, signature: int, weights: Sequence[IntArray]) -> int:
    """The signature after a step that has learnt: of every word that was written, in the order of the updates.

    Args:
        schedule: of a step.
        signature: before the step.
        weights: after it.
    """
    rows = rows_of(schedule, weights)
    addresses = np.fromiter(_written(schedule), dtype=np.int64)
    lanes = (rows[addresses] & 0xFFFF) << (16 * (np.arange(schedule.lanes) % 2))
    words = addresses ^ np.bitwise_xor.reduce(lanes, axis=1)
    # Every word that follows turns what is there by one bit.
    turned = [_turned(words, np.arange(len(words) - 1, -1, -1)), _turned(np.array([signature]), np.array([len(words)]))]
    return int(np.bitwise_xor.reduce(np.concatenate(turned)))


def _turned(words: IntArray, by: IntArray) -> IntArray:
    """32 bits, rotated to the left."""
    bits = by % 32
    return ((words << bits) | (words >> (32 - bits))) & 0xFFFFFFFF


def _written(schedule: Schedule) -> Iterator[int]:
    for made in schedule.passes:
        if made.kind == "update":
            base = schedule.weight_base[made.layer]
            yield from range(base, base + schedule.layers[made.layer].words)
