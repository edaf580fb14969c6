"""Hardware of the sum: two tables and an adder for bytes, the literal arithmetic for what is wider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from golden.ops import Add
from golden.types import IntType, TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.join import Datapath, join_departures, join_foldings, join_walk, join_widths, joined
from rtlgen.lowering import Goal, Incoming, LayerPlan, candidates, departures, lower, walk, widths
from rtlgen.rounded import ARITHMETICS, scale_steps
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor
from rtlgen.two_tables import TwoTables, two_tables
from rtlgen.walk import Walk
from rtlgen.weight_store import LATENCY, pack_words, weight_store

_TABLE_BITS = 8
"""Of an input that has a table."""


@lru_cache(maxsize=256)
def _tables(op: Add, a: IntType, b: IntType) -> TwoTables | None:
    """None for inputs without tables, whose sum is computed as it is written."""
    if max(a.bits, b.bits) > _TABLE_BITS:
        return None
    try:
        return two_tables(op, (a.min, a.max), (b.min, b.max))
    except NotImplementedError:
        return None


@lru_cache(maxsize=256)
def _out_type(op: Add, a: TensorType, b: TensorType) -> TensorType:
    return op.out_type(a, b)


@candidates.register
def _(op: Add, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    a, b = (x.type for x in xs)
    tables = _tables(op, a.dtype, b.dtype)
    entries = sum(len(table) * _entry(table).bits for table in (tables.a_table, tables.b_table)) if tables else 0
    for layer in join_foldings(xs, _out_type(op, a, b), goal):
        if tables is not None:
            yield replace(layer, depth_cycles=LATENCY + 1, store_bits=layer.lanes_out * entries)
        elif op.arithmetic in ARITHMETICS:
            yield replace(layer, depth_cycles=1 + 2 * len(scale_steps(op.arithmetic, 1, 0)))
        else:
            raise NotImplementedError(f"Add has no hardware for {a} and {b} in {op.arithmetic}: no two tables equal it")


@walk.register
def _(op: Add, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk:
    return join_walk(layer, xs, _out_type(op, *xs))


@widths.register
def _(op: Add, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    return join_widths(layer, xs, _out_type(op, *xs))


@departures.register
def _(op: Add, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    return join_departures(layer, join_walk(layer, xs, _out_type(op, *xs)))


@lower.register
def add(op: Add, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """Lane by lane.

    ::

        a --> table A --+
                        + --> >> shift, saturate --> y
        b --> table B --+
    """
    a, b = (x.type for x in xs)
    tables = _tables(op, a.dtype, b.dtype)
    datapath = _literal(name, op) if tables is None else _of_tables(name, tables, a.dtype, b.dtype)
    return joined(name, layer, join_walk(layer, [a, b], _out_type(op, a, b)), xs, _out_type(op, a, b), datapath)


def _entry(table: Sequence[int]) -> IntType:
    return IntType.holding(min(table), max(table))


def _of_tables(name: str, tables: TwoTables, *types: IntType) -> Datapath:
    def look_up(place: int, word: HDLTensor) -> HDLTensor:
        table, dtype = (tables.a_table, tables.b_table)[place], types[place]
        entry = _entry(table)
        # The address is the two's complement of a value: the negative ones come behind the others.
        values = table[-dtype.min :] + table[: -dtype.min]
        words = [pack_words([value], entry.bits) for value in values]
        found = [
            weight_store(f"{name}_{'ab'[place]}_lane{lane}", words, entry.bits, word[lane : lane + 1].pack(dtype))
            for lane in range(word.size)
        ]
        if min(table) == max(table):
            return HDLTensor.constant([min(table)] * word.size)
        return HDLTensor.of(found, min(table), max(table))

    def finish(total: HDLTensor) -> HDLTensor:
        return (total >> tables.shift).clip(*tables.limits)

    return Datapath(look_up, LATENCY, lambda a, b: a + b, [finish])


def _literal(name: str, op: Add) -> Datapath:
    """The equation of the op, a register behind each of its steps."""
    scales = zip(op.x_multipliers, op.x_shifts, strict=True)
    of_inputs = [scale_steps(op.arithmetic, multiplier, shift) for multiplier, shift in scales]
    *of_sum, last = scale_steps(op.arithmetic, op.multiplier, op.shift)

    def scaled(place: int, word: HDLTensor) -> HDLTensor:
        term = (word - op.x_zero_points[place]) << op.left_shift
        for stage, step in enumerate(of_inputs[place]):
            term = step(term).register(f"{name}_{'ab'[place]}_term{stage + 1}")
        return term

    def finish(total: HDLTensor) -> HDLTensor:
        return (last(total) + op.zero_point).clip(*op.limits)

    def combine(a: HDLTensor, b: HDLTensor) -> HDLTensor:
        return a - b if op.subtract else a + b

    return Datapath(scaled, len(of_inputs[0]), combine, [lambda total: total, *of_sum, finish])
