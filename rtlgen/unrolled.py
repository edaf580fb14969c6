"""The unrolled engine: constant weights as shifts and adds, a new vector on every cycle, no multipliers.

Every weight is written in canonical signed digits. For each output the positive and the negative digits are summed in
a balanced tree each, with a register behind every two levels; then one is subtracted from the other and the bias is
added. Nothing is shared between outputs.
"""

from __future__ import annotations

from math import ceil

from golden.ops import Dense
from rtlgen.csd import csd_digits
from rtlgen.gather import gather
from rtlgen.pipeline import Step, pipeline
from rtlgen.stream import Stream
from rtlgen.tensor import HDLTensor

LEVELS_A_STAGE = 2


def _terms(row: list[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(input, shift) of the positive and of the negative digits of a row of weights."""
    positive: list[tuple[int, int]] = []
    negative: list[tuple[int, int]] = []
    for index, weight in enumerate(row):
        for shift, sign in csd_digits(weight):
            (positive if sign > 0 else negative).append((index, shift))
    return positive, negative


def _tree_stages(op: Dense) -> int:
    longest = max(len(side) for row in op.weight.tolist() for side in _terms(row))
    return ceil((max(longest, 1) - 1).bit_length() / LEVELS_A_STAGE)


def unrolled_cycles(op: Dense) -> int:
    """Cycles from the last input beat to the output."""
    return 1 + _tree_stages(op) + 1


def unrolled(op: Dense, x: Stream, name: str) -> Stream:
    """The adder graph of ``op`` in the working block."""
    word = gather(name, x, ceil(x.type.inner / x.lanes) * x.lanes)
    sides = [side for row in op.weight.tolist() for side in _terms(row)]
    sizes = [max(1, len(side)) for side in sides]
    dtype = op.out_type(x.type).dtype

    def spread(vector: HDLTensor) -> HDLTensor:
        zero = HDLTensor.constant([0])
        return HDLTensor.concat(
            [part for side in sides for part in ([vector[i : i + 1] << s for i, s in side] or [zero])]
        )

    def add(terms: HDLTensor) -> HDLTensor:
        """Two levels of every tree; ``sizes`` says how many terms of each side are left, one side after the other."""
        for _ in range(LEVELS_A_STAGE):
            terms, sizes[:] = _add_level(terms, sizes)
        return terms

    def finish(sums: HDLTensor) -> HDLTensor:
        return (sums[0::2] - sums[1::2] + op.bias).known_range(dtype.min, dtype.max)

    steps: list[Step] = [lambda vector: vector]
    stages = _tree_stages(op)
    if stages:
        steps += [lambda vector: add(spread(vector)), *[add] * (stages - 1), finish]
    else:
        steps += [lambda vector: finish(spread(vector))]
    return pipeline(name, x, op.out_type(x.type), steps, word=word)


def _add_level(terms: HDLTensor, sizes: list[int]) -> tuple[HDLTensor, list[int]]:
    """Adds neighbours within each group of ``sizes`` consecutive terms."""
    sums, start = [], 0
    for size in sizes:
        for place in range(start, start + size - 1, 2):
            sums.append(terms[place : place + 1] + terms[place + 1 : place + 2])
        if size % 2:
            sums.append(terms[start + size - 1 : start + size])
        start += size
    return HDLTensor.concat(sums), [ceil(size / 2) for size in sizes]
