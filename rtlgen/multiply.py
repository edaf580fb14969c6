"""Products of other kinds than one multiplier each: of limbs for wide operands, of adders, of shifts."""

from __future__ import annotations

from golden.types import IntType
from rtlgen.tensor import HDLTensor

LIMB_BITS = 17
"""An unsigned limb of 17 bits is what an 18 x 18 bit signed multiplier takes."""


def limbs(x: HDLTensor) -> list[HDLTensor]:
    """``x``, shape (n,), as ``sum_i limb_i * 2**(17 * i)``; the last limb has the sign.

    A product of several multipliers is several products: left to synthesis, their sum would follow them in one cycle.
    """
    dtype = x.dtype
    word = x.pack(dtype)
    parts = []
    top = dtype.bits - dtype.signed
    for start in range(0, max(top, 1), LIMB_BITS):
        last = start + LIMB_BITS >= top
        limb = IntType(dtype.bits - start, dtype.signed) if last else IntType(LIMB_BITS, False)
        wires = [word[n * dtype.bits + start : n * dtype.bits + start + limb.bits] for n in range(x.size)]
        parts.append(HDLTensor.of(wires, limb.min, limb.max))
    return parts


def multiply_in_logic(x: HDLTensor, y: HDLTensor) -> HDLTensor:
    """``x * y`` elementwise, shape (n,) each, as an adder tree over the bits of ``y``: about a LUT a pair of bits."""
    bits = y.dtype.bits
    word = y.pack(y.dtype)
    products = []
    for element in range(y.size):
        start = element * bits
        terms = []
        for place in range(bits):
            bit = HDLTensor.of([word[start + place]], [0], [1])
            term = HDLTensor.where(bit, x[element : element + 1], HDLTensor.constant([0])) << place
            terms.append(-term if y.signed and place == bits - 1 else term)
        products.append(HDLTensor.concat(terms).sum(axis=0, keepdims=True))
    result = HDLTensor.concat(products)
    ends = [a * b for a in (x.dtype.min, x.dtype.max) for b in (y.dtype.min, y.dtype.max)]
    return result.known_range(min(ends), max(ends))


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
