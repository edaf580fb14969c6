"""Products of other kinds than one multiplier each: of limbs for wide operands, of adders, of shifts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from golden.types import IntArray, IntType
from rtlgen.csd import csd_digits, csd_split
from rtlgen.tensor import HDLTensor

LIMB_BITS = 17
"""An unsigned limb of 17 bits is what an 18 x 18 bit signed multiplier takes."""
NARROW_BITS = 3
"""A product with a limb of so few bits is made of adders: a multiplier would be wasted on it."""
_DIGITS_A_STEP = 4
"""Signed digits of a constant whose product takes two levels of adders."""


def limb_types(dtype: IntType) -> list[IntType]:
    """The types of the limbs of a number: 17 bits each, the last limb has the rest and the sign."""
    top = dtype.bits - dtype.signed
    starts = range(0, max(top, 1), LIMB_BITS)
    return [IntType(LIMB_BITS, False) for _ in starts[:-1]] + [IntType(dtype.bits - starts[-1], dtype.signed)]


def multipliers_for(x: IntType, y: IntType) -> int:
    """Hardware multipliers, 18 x 18 bits and signed, of a product by `partial_products`."""
    pairs = [(a, b) for a in limb_types(x) for b in limb_types(y)]
    return sum(min(a.bits, b.bits) > NARROW_BITS for a, b in pairs)


def weight_multipliers(x: IntType) -> int:
    """Hardware multipliers of the product of ``x`` and a weight by `weighted`."""
    return sum(limb != IntType(1, False) for limb in limb_types(x))


def is_wiring(weight: IntArray) -> IntArray:
    """Whether a product with a constant like these takes no hardware to speak of: 0, or a power of two of any sign."""
    size = np.abs(weight)
    single: IntArray = (size & (size - 1)) == 0
    return single


def weighted(x: HDLTensor, weights: HDLTensor, dtype: IntType) -> HDLTensor:
    """``x * weights``, which broadcast, with ``x`` of ``dtype`` and weights of at most 17 bits."""
    if len(limb_types(dtype)) == 1:
        return x * weights
    products = [
        (limb.reshape(x.shape) * weights) << (place * LIMB_BITS)
        for place, limb in enumerate(limbs(x.reshape(-1), dtype))
    ]
    return sum(products[1:], start=products[0])


def limbs(x: HDLTensor, dtype: IntType) -> list[HDLTensor]:
    """``x`` of ``dtype``, shape (n,), as ``sum_i limb_i * 2**(17 * i)``."""
    word = x.pack(dtype)
    parts = []
    for place, limb in enumerate(limb_types(dtype)):
        start = place * LIMB_BITS
        wires = [word[n * dtype.bits + start : n * dtype.bits + start + limb.bits] for n in range(x.size)]
        parts.append(HDLTensor.of(wires, limb.min, limb.max))
    return parts


def partial_products(x: HDLTensor, y: HDLTensor, types: tuple[IntType, IntType]) -> HDLTensor:
    """What `sum_of_partials` adds to ``x * y``, shape (n,) each, of these types: shape (parts * n,).

    A product of several multipliers is several products: left to synthesis, their sum would follow them in one cycle.
    """
    products = [_limb_product(a, b) for a in limbs(x, types[0]) for b in limbs(y, types[1])]
    return HDLTensor.concat(products)


def sum_of_partials(products: HDLTensor, types: tuple[IntType, IntType]) -> HDLTensor:
    """The products, shape (n,)."""
    x, y = (len(limb_types(dtype)) for dtype in types)
    parts = products.reshape(x * y, -1)
    total = parts[0]
    for place in range(1, x * y):
        total = total + (parts[place] << ((place // y + place % y) * LIMB_BITS))
    ends = [a * b for a in (types[0].min, types[0].max) for b in (types[1].min, types[1].max)]
    return total.known_range(min(ends), max(ends))


def _limb_product(a: HDLTensor, b: HDLTensor) -> HDLTensor:
    """A multiplier each, or adders where that would be a waste."""
    if min(a.dtype.bits, b.dtype.bits) > NARROW_BITS:
        return a * b
    return multiply_in_logic(a, b) if a.dtype.bits > b.dtype.bits else multiply_in_logic(b, a)


def multiply_in_logic(x: HDLTensor, y: HDLTensor) -> HDLTensor:
    """``x * y`` elementwise, shape (n,) each, as an adder tree over the bits of ``y``: about a LUT a pair of bits."""
    return sum_in_logic(terms_in_logic(x, y), (x.dtype, y.dtype))


def terms_in_logic(x: HDLTensor, y: HDLTensor) -> HDLTensor:
    """The first level of the adder tree of `multiply_in_logic`, shape (n, terms): a register goes well behind it."""
    bits = y.dtype.bits
    word = y.pack(y.dtype)
    zero = HDLTensor.constant([0])
    rows = []
    for element in range(y.size):
        chosen = [HDLTensor.of([word[element * bits + place]], [0], [1]) for place in range(bits)]
        terms = [HDLTensor.where(bit, x[element : element + 1], zero) << place for place, bit in enumerate(chosen)]
        top = terms.pop() if y.signed else zero
        pairs = [sum(terms[at + 1 : at + 2], start=terms[at]) for at in range(0, len(terms), 2)] or [zero]
        if y.signed:  # the last pair is one term if their number is odd
            pairs = [*pairs[:-1], pairs[-1] - top] if len(terms) % 2 else [*pairs, -top]
        rows.append(HDLTensor.concat(pairs).reshape(1, -1))
    return HDLTensor.concat(rows, axis=0)


def sum_in_logic(terms: HDLTensor, types: tuple[IntType, IntType]) -> HDLTensor:
    """The products, shape (n,), of what `terms_in_logic` made of factors of these types."""
    x, y = types
    ends = [a * b for a in (x.min, x.max) for b in (y.min, y.max)]
    return terms.sum(axis=1).known_range(min(ends), max(ends))


def constant_product_steps(multipliers: Iterable[int]) -> list[Callable[[HDLTensor], HDLTensor]]:
    """The product of a beat and a constant a lane: in two steps where it takes more than two levels of adders."""
    values = [int(multiplier) for multiplier in multipliers]
    lanes = len(values)
    if all(len(csd_digits(value)) <= _DIGITS_A_STEP for value in values):
        return [lambda beat: beat * values]
    halves = [csd_split(value) if len(csd_digits(value)) > 1 else (value, 0) for value in values]
    return [
        lambda beat: HDLTensor.concat([beat * list(half) for half in zip(*halves, strict=True)]),
        lambda parts: parts[:lanes] + parts[lanes:],
    ]


def multiply_by_one_hot(x: HDLTensor, y: HDLTensor) -> HDLTensor:
    """``x * y`` elementwise, shape (n,) each, where every ``y`` is 0 or a power of two: a choice of shifts."""
    bits = y.dtype.bits
    word = y.pack(y.dtype)
    products = []
    for element in range(y.size):
        product = HDLTensor.constant([0])
        for place in range(bits):
            chosen = HDLTensor.of([word[element * bits + place]], [0], [1])
            product = HDLTensor.where(chosen, x[element : element + 1] << place, product)
        products.append(product)
    return HDLTensor.concat(products)
