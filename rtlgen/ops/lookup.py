"""Hardware of the table: a store for each lane."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import numpy as np
import pyrtl

from golden.ops import Lookup
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower
from rtlgen.state import Flags, counter
from rtlgen.stream import Stream, beats_of, passed_on
from rtlgen.tensor import HDLTensor
from rtlgen.weight_store import LATENCY, weight_store


def _groups(op: Lookup, inner: int, lanes: int) -> int:
    """Beats that differ in their tables; 1 where all channels have the same one."""
    return ceil(inner / lanes) if op.table.ndim == 2 and len(op.table) > 1 else 1


@candidates.register
def _(op: Lookup, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    (x,) = xs
    stored = _groups(op, x.type.inner, x.lanes) * x.lanes * op.table.shape[-1] * op.dtype.bits
    beats = beats_of(x.type, x.lanes)
    yield LayerPlan("pipeline", x.lanes, x.lanes, beats, x.spacing_cycles, depth_cycles=LATENCY + 1, store_bits=stored)


@departures.register
def _(op: Lookup, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return arrivals[0].later(layer.depth_cycles)


@lower.register
def lookup(op: Lookup, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """The bits of an element are its address; where channels have tables of their own, the beat's number comes first.

    ::

        beat --> counter --+
                           +--> address --> store --> fetched --> word --> result --> y       one store a lane
        x -----------------+
    """
    (x,) = xs
    groups = _groups(op, x.type.inner, x.lanes)
    beat = counter(f"{name}_beat", groups, x.valid, x.reset)
    parts = []
    for lane, element in enumerate(x.data.reshape(-1, 1)):
        bits = element.pack(x.type.dtype)
        address = bits if groups == 1 else pyrtl.concat(beat.value, bits)
        words = _words(op, x.type, groups, x.lanes, lane)
        word = weight_store(f"{name}_table{lane}", words, op.dtype.bits, address)
        parts.append(HDLTensor.unpack(word, (1,), op.dtype))
    flags = Flags({"valid": x.valid, "last": x.last}, x.reset).after(f"{name}_fetch", LATENCY)
    data = HDLTensor.concat(parts).register(f"{name}_result", enable=flags["valid"], reset=x.reset)
    out = flags.after(f"{name}_result", 1)
    return passed_on(x, name, op.out_type(x.type), data, out["valid"], out["last"])


def _words(op: Lookup, x: TensorType, groups: int, lanes: int, lane: int) -> list[int]:
    """What the store of a lane holds: the tables of its channels, in the order of two's complement."""
    tables = np.atleast_2d(op.table)
    values = tables.shape[1]
    by_bits = np.roll(tables, -values // 2, axis=1) if x.dtype.signed else tables
    words = np.zeros((groups, values), dtype=np.int64)
    of_lane = by_bits[lane::lanes] if groups > 1 else by_bits[lane % len(by_bits)][None]
    words[: len(of_lane)] = of_lane
    packed: list[int] = (words.reshape(-1) & ((1 << op.dtype.bits) - 1)).tolist()
    return packed
