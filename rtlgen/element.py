"""One integer in hardware: a wire, and the exact interval of the values it can carry."""

from __future__ import annotations

from collections.abc import Sequence

import pyrtl
from pyrtl import WireVector

from golden.types import IntType


def net(op: str, args: Sequence[WireVector], bits: int, param: tuple[int, ...] | None = None) -> WireVector:
    """One PyRTL net with a result of exactly ``bits`` bits.

    PyRTL's own operators return one width only (a sum one bit wider, a product twice as wide) and leave the truncation
    to another net. All its simulators, and Verilog, take the low bits when the result is narrower.

    Raises:
        ValueError: if an argument is not a wire of the working block.
    """
    block = pyrtl.working_block()
    for wire in args:
        if wire not in block.wirevector_set:
            raise ValueError(f"wire {wire.name!r} must belong to the working block, but it belongs to another one")
    result = WireVector(bits)
    block.add_net(pyrtl.LogicNet(op, param, tuple(args), (result,)))
    return result


def wire_slice(wire: WireVector, start: int, stop: int) -> WireVector:
    """Bits ``start`` to ``stop - 1`` of ``wire``; the wire itself where that is all of it."""
    if start == 0 and stop == wire.bitwidth:
        return wire
    return net("s", (wire,), stop - start, tuple(range(start, stop)))


class Element:
    """An integer of ``[low, high]``, on a wire as wide as ``IntType.holding(low, high)``: unsigned where ``low >= 0``.

    An element of one value (``low == high``) is a constant: it has no hardware until its wire is asked for, and it may
    be used in any block. An element remembers its extensions and its multiples, so that each is built once.
    """

    __slots__ = ("_extensions", "_wire", "bits", "high", "low", "multiples")

    def __init__(self, wire: WireVector | None, low: int, high: int) -> None:
        self.low, self.high = low, high
        self.bits = IntType.holding(low, high).bits
        if wire is None:
            assert low == high, "only a constant can do without a wire"
        elif wire.bitwidth != self.bits:
            raise ValueError(
                f"a wire of [{low}, {high}] must be {self.bits} bits wide, not the {wire.bitwidth} of {wire.name!r}"
            )
        self._wire = None if low == high else wire
        self._extensions: dict[int, WireVector] = {}
        self.multiples: dict[int, Element] = {}

    @classmethod
    def constant(cls, value: int) -> Element:
        """The element that is always ``value``."""
        return cls(None, value, value)

    @property
    def is_constant(self) -> bool:
        """Whether one value is all it can have."""
        return self.low == self.high

    @property
    def is_boolean(self) -> bool:
        """Whether it is 0 or 1."""
        return self.low >= 0 and self.high <= 1

    @property
    def dtype(self) -> IntType:
        """Its type, the narrowest there is."""
        return IntType.holding(self.low, self.high)

    @property
    def wire(self) -> WireVector:
        """Its wire; a ``pyrtl.Const`` of the working block if it is a constant."""
        return self.resized(self.bits)

    def resized(self, bits: int) -> WireVector:
        """Its value modulo ``2**bits`` on a wire of ``bits`` bits: extended by its sign or by zeros, or cut."""
        if self._wire is None:
            return pyrtl.Const(self.low & ((1 << bits) - 1), bitwidth=bits)
        if bits <= self.bits:
            return wire_slice(self._wire, 0, bits)
        if bits not in self._extensions:
            self._extensions[bits] = net("c", self.parts(bits), bits)
        return self._extensions[bits]

    def parts(self, bits: int) -> list[WireVector]:
        """The wires, most significant first, that make ``resized(bits)`` when concatenated."""
        if self._wire is None or bits <= self.bits:
            return [self.resized(bits)]
        if self.low >= 0:
            return [pyrtl.Const(0, bitwidth=bits - self.bits), self._wire]
        if 0 not in self._extensions:  # the sign is kept beside the extensions, under the width no extension has
            self._extensions[0] = wire_slice(self._wire, self.bits - 1, self.bits)
        return [self._extensions[0]] * (bits - self.bits) + [self._wire]

    def __repr__(self) -> str:
        return f"Element({self.dtype} in [{self.low}, {self.high}])"


def narrowed(x: Element, low: int, high: int) -> Element:
    """``x`` where it is known, for reasons that its interval does not show, to lie in ``[low, high]``: wiring only.

    Raises:
        ValueError: if ``x`` can have no value in ``[low, high]``.
    """
    low, high = max(low, x.low), min(high, x.high)
    if low > high:
        raise ValueError(f"an element of [{x.low}, {x.high}] can have no value of the range that it is known to lie in")
    return _with_interval(x, low, high)


def widened(x: Element, low: int, high: int) -> Element:
    """``x`` as an element of the interval that holds both its own and ``[low, high]``: wiring only."""
    return _with_interval(x, min(low, x.low), max(high, x.high))


def _with_interval(x: Element, low: int, high: int) -> Element:
    if (low, high) == (x.low, x.high):
        return x
    if low == high:
        return Element.constant(low)
    return Element(x.resized(IntType.holding(low, high).bits), low, high)
