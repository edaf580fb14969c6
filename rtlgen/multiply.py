"""Products without multipliers: for budgets below one multiplier a layer, and for powers of two."""

from __future__ import annotations

from rtlgen.tensor import HDLTensor


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
