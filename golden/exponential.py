"""The exponential in single precision as C libraries compute it: glibc from 2.27 on, and musl, by Arm's algorithm.

It is not always the nearest number: where the exponential lies next to the middle between two, within two thousandths
of their distance, it may be the other one. All steps are in double precision, and on any machine the same.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import numpy.typing as npt

Singles = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_PARTS = 32
"""Of a power of two: as many lie in the table between 1 and 2."""
_PARTS_BY_LN2 = float.fromhex("0x1.71547652b82fep+0") * _PARTS
_CUBIC = tuple(
    float.fromhex(digits) / _PARTS**power
    for power, digits in ((3, "0x1.c6af84b912394p-5"), (2, "0x1.ebfce50fac4f3p-3"), (1, "0x1.62e42ff0c52d6p-1"))
)
"""Of ``2**(r / 32)`` for ``|r| <= 1/2``, without its 1."""
_LEAST = float.fromhex("-0x1.9fe368p6")
"""``log(2**-150)``: of anything below, the exponential is zero."""
_FUSED = 2.0**-44
"""Of a number itself: what products and sums in one rounding, which a library may take, change at most."""


def exp(x: Singles) -> Singles:
    """``exp(x)`` for ``x <= 0``: with ``32 x / ln 2 = k + r``, k an integer, ``2**(k / 32)`` times a cubic in r."""
    return np.asarray(_before_rounding(x).astype(np.float32), dtype=np.float32)


def undecided(x: Singles) -> npt.NDArray[np.bool_]:
    """Where ``exp(x)`` is another number if the library multiplies and adds in one rounding, or might be."""
    y = _before_rounding(x)
    return np.asarray((y * (1 - _FUSED)).astype(np.float32) != (y * (1 + _FUSED)).astype(np.float32))


def _before_rounding(x: Singles) -> Doubles:
    z = np.asarray(_PARTS_BY_LN2 * np.maximum(x, np.float32(_LEAST)).astype(np.float64))
    k = np.rint(z)
    r = z - k
    third, second, first = _CUBIC
    y = (third * r + second) * (r * r) + (first * r + 1)
    powers, parts = np.divmod(k.astype(np.int64), _PARTS)
    return np.where(x < _LEAST, 0.0, y * np.ldexp(_TABLE[parts], powers))


def _table() -> Doubles:
    """``2**(i / 32)`` for i in 0..31, to the nearest number of double precision."""
    with localcontext() as context:
        context.prec = 50
        return np.array([float(Decimal(2) ** (Decimal(part) / _PARTS)) for part in range(_PARTS)])


_TABLE = _table()
