"""`HDLTensor`: an n-dimensional array of integers in hardware, used like a numpy array.

An operation on tensors adds hardware to PyRTL's working block. Every element knows the exact interval of the values it
can have, and is exactly as wide as that interval needs (``IntType.holding(low, high)``), so that nothing overflows and
nothing is wider than it must be. The interval of a result is exact where the operands are independent of each other
(``x - x`` is not seen to be 0). Elements of one value are constants, and cost nothing.

Packed into one wire, a tensor is in row-major order with element 0 in the least significant bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyrtl
from pyrtl import WireVector

from golden.types import IntType
from rtlgen import arithmetic, reduction
from rtlgen.array import Axis, elementwise, matmul, object_array, reduced
from rtlgen.contents import (
    check_wire,
    elements_of_integers,
    elements_of_packed,
    elements_of_value,
    elements_of_wires,
)
from rtlgen.element import Element, narrowed, widened

Method = Callable[["HDLTensor", Any], "HDLTensor"]


def _tensor(x: Any) -> HDLTensor:
    if isinstance(x, HDLTensor):
        return x
    if isinstance(x, WireVector):
        raise TypeError(
            f"wire {x.name!r} has no sign: make a tensor of it first, with HDLTensor.of or HDLTensor.unpack"
        )
    return HDLTensor._from(elements_of_integers(x, "an operand"))


def _elementwise(function: Callable[..., Element], *operands: Any) -> HDLTensor:
    return HDLTensor._from(elementwise(function, *(_tensor(operand)._elements for operand in operands)))


def _operator(function: Callable[[Element, Element], Element]) -> tuple[Method, Method]:
    """The methods of a binary operator: with the tensor on the left, and with the tensor on the right."""
    return (lambda self, other: _elementwise(function, self, other)), (
        lambda self, other: _elementwise(function, other, self)
    )


class HDLTensor:
    """A tensor of wires with a shape, and an interval of values per element.

    Args:
        dims: the shape; none for a single integer.
        value: integers (nested list or array), which become constants; wires of ``bits`` bits each (nested list or
            array); one wire with all elements packed; ``"input"`` for a new ``pyrtl.Input`` called ``name``, packed;
            or None for random constants.
        bits: width of an element of the value.
        signed: whether an element of the value is in two's complement.
        seed: of the random constants.
        name: of the new input.

    Raises:
        TypeError: if the value or a dimension is not an integer.
        ValueError: if the value does not fit the shape or the width, or belongs to another block.
    """

    __array_ufunc__ = None  # numpy arrays leave `array + tensor` to us
    __hash__ = None  # type: ignore[assignment]  # as in numpy: == is elementwise

    def __init__(
        self,
        *dims: int,
        value: Any = None,
        bits: int = 8,
        signed: bool = True,
        seed: int = 0,
        name: str = "net_input",
    ) -> None:
        for dim in dims:
            if isinstance(dim, bool) or not isinstance(dim, int | np.integer):
                raise TypeError(f"the dimensions of a tensor must be ints, not {dim!r}")
            if dim < 1:
                raise ValueError(f"the dimensions of a tensor must be positive, not {dims}")
        shape = tuple(int(dim) for dim in dims)
        self._elements = elements_of_value(value, shape, IntType(bits, signed), seed, name)

    # --- making tensors -----------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, wires: Any, low: Any, high: Any) -> HDLTensor:
        """Tensor of existing wires (one, nested lists or an object array), with their intervals.

        ``low`` and ``high`` broadcast to the shape of the wires; each wire is ``IntType.holding(low, high)`` wide.
        """
        return cls._from(elements_of_wires(wires, low, high))

    @classmethod
    def constant(cls, values: Any) -> HDLTensor:
        """Tensor of an integer, a nested list or an array of integers of any size: no hardware."""
        return cls._from(elements_of_integers(values))

    @classmethod
    def unpack(cls, wire: WireVector, shape: Sequence[int], dtype: IntType) -> HDLTensor:
        """Tensor of all the elements that are packed in ``wire``; the inverse of `pack`."""
        return cls._from(elements_of_packed(wire, tuple(shape), dtype))

    @classmethod
    def _from(cls, elements: Any) -> HDLTensor:
        tensor = cls.__new__(cls)
        tensor._elements = np.asarray(elements, dtype=object)
        return tensor

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each dimension."""
        return self._elements.shape

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return self._elements.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._elements.size

    @property
    def wires(self) -> npt.NDArray[Any]:
        """The wire of each element; that of a constant is a ``pyrtl.Const``."""
        return self._array(lambda element: element.wire)

    @property
    def low(self) -> npt.NDArray[Any]:
        """The smallest value of each element, as Python ints."""
        return self._array(lambda element: element.low)

    @property
    def high(self) -> npt.NDArray[Any]:
        """The greatest value of each element, as Python ints."""
        return self._array(lambda element: element.high)

    @property
    def dtype(self) -> IntType:
        """The narrowest type that holds every element."""
        return IntType.holding(min(self.low.flat, default=0), max(self.high.flat, default=0))

    @property
    def signed(self) -> bool:
        """Whether an element can be negative."""
        return self.dtype.signed

    def _array(self, attribute: Callable[[Element], Any]) -> npt.NDArray[Any]:
        return object_array(map(attribute, self._elements.flat), self.shape)

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[HDLTensor]:
        return map(self._from, self._elements)

    def __bool__(self) -> bool:
        raise TypeError(
            "a tensor has no truth value while hardware is made: use HDLTensor.where, or compare in hardware"
        )

    def __repr__(self) -> str:
        return f"HDLTensor({self.dtype}{list(self.shape)})"

    # --- arithmetic ---------------------------------------------------------------------------------------------------

    __add__, __radd__ = _operator(arithmetic.add)
    __sub__, __rsub__ = _operator(arithmetic.subtract)
    __mul__, __rmul__ = _operator(arithmetic.multiply)

    def __neg__(self) -> HDLTensor:
        return _elementwise(arithmetic.negate, self)

    def __matmul__(self, other: Any) -> HDLTensor:
        return self._from(matmul(self._elements, _tensor(other)._elements))

    def __rmatmul__(self, other: Any) -> HDLTensor:
        return self._from(matmul(_tensor(other)._elements, self._elements))

    def __lshift__(self, s: int) -> HDLTensor:
        return self._shifted(arithmetic.shift_left, s)

    def __rshift__(self, s: int) -> HDLTensor:
        return self._shifted(arithmetic.shift_right, s)

    def rounding_shift(self, s: int) -> HDLTensor:
        """``(x + 2**(s-1)) >> s``: divides by ``2**s`` and rounds to nearest, ties upwards; ``s = 0`` is ``x``."""
        return self._shifted(arithmetic.rounding_shift, s)

    def _shifted(self, shift: Callable[[Element, int], Element], s: int) -> HDLTensor:
        if isinstance(s, bool) or not isinstance(s, int | np.integer):
            raise TypeError(f"a tensor is shifted by a constant int, not by {s!r}")
        if s < 0:
            raise ValueError(f"a tensor is shifted by 0 or more bits, not by {s}")
        return _elementwise(lambda element: shift(element, int(s)), self)

    # --- comparison and choice ----------------------------------------------------------------------------------------

    __lt__, __gt__ = _operator(arithmetic.less)
    __ge__, __le__ = _operator(arithmetic.at_least)
    __eq__ = _operator(arithmetic.equal)[0]  # type: ignore[assignment]  # a tensor, where object has a bool
    __ne__ = _operator(arithmetic.unequal)[0]  # type: ignore[assignment]

    def maximum(self, other: Any) -> HDLTensor:
        """The greater of two, elementwise."""
        return _elementwise(arithmetic.maximum, self, other)

    def minimum(self, other: Any) -> HDLTensor:
        """The smaller of two, elementwise."""
        return _elementwise(arithmetic.minimum, self, other)

    def clip(self, low: int | None = None, high: int | None = None) -> HDLTensor:
        """Saturation to ``[low, high]``; None is no bound.

        Raises:
            ValueError: if ``low`` is greater than ``high``.
        """
        for bound in (low, high):
            if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int | np.integer)):
                raise TypeError(f"the bounds of clip must be ints or None, not {bound!r}")
        if low is not None and high is not None and low > high:
            raise ValueError(f"clip needs low <= high, not [{low}, {high}]")

        def clipped(x: Element) -> Element:
            floor = min(x.low, x.high if high is None else int(high)) if low is None else int(low)
            return arithmetic.clip(x, floor, max(x.high, floor) if high is None else int(high))

        return _elementwise(clipped, self)

    @staticmethod
    def where(condition: Any, a: Any, b: Any) -> HDLTensor:
        """``a`` where the condition is 1, ``b`` where it is 0, broadcast.

        Args:
            condition: a 1-bit wire, a comparison of tensors, or an array of booleans, which costs nothing.
            a: tensor, array or integer.
            b: tensor, array or integer.

        Raises:
            ValueError: if the condition can be anything but 0 and 1.
        """
        if isinstance(condition, WireVector):
            check_wire(condition, 1, "a condition")
            known = condition.val if isinstance(condition, pyrtl.Const) else None
            condition = HDLTensor.of(condition, known or 0, 1 if known is None else known)
        tensor = _tensor(condition)
        for element in tensor._elements.flat:
            if not element.is_boolean:
                raise ValueError(
                    f"a condition must lie in [0, 1], not in [{element.low}, {element.high}]; compare first: x != 0"
                )
        return _elementwise(arithmetic.select, tensor, a, b)

    # --- reduction ----------------------------------------------------------------------------------------------------

    def sum(self, axis: Axis = None, keepdims: bool = False) -> HDLTensor:
        """Sum over an axis, several, or all (None), as a balanced tree of adders."""
        return self._reduced(reduction.sum_of, axis, keepdims, may_be_empty=True)

    def max(self, axis: Axis = None, keepdims: bool = False) -> HDLTensor:
        """Greatest element over an axis, several, or all (None), as a balanced tree."""
        return self._reduced(reduction.greatest, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> HDLTensor:
        """Smallest element over an axis, several, or all (None), as a balanced tree."""
        return self._reduced(reduction.smallest, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> HDLTensor:
        """Index of the greatest element over an axis, or of the row-major order (None); the first one wins a tie."""
        return self._reduced(reduction.first_greatest, axis, keepdims)

    def _reduced(
        self, function: Callable[[list[Element]], Element], axis: Axis, keepdims: bool, may_be_empty: bool = False
    ) -> HDLTensor:
        return self._from(reduced(function, self._elements, axis, keepdims, may_be_empty))

    # --- shape: wiring only -------------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> HDLTensor:
        if isinstance(index, HDLTensor | WireVector) or (
            isinstance(index, tuple) and any(isinstance(i, HDLTensor | WireVector) for i in index)
        ):
            raise TypeError("a tensor is indexed by constants; choose in hardware with HDLTensor.where")
        return self._from(self._elements[index])

    def reshape(self, *shape: int | Sequence[int]) -> HDLTensor:
        """The same elements, in row-major order, in another shape; one dimension may be -1."""
        return self._from(self._elements.reshape(*shape))

    def transpose(self, *axes: int | Sequence[int]) -> HDLTensor:
        """The dimensions in another order; without arguments, in reverse order."""
        return self._from(self._elements.transpose(*axes))

    @property
    def T(self) -> HDLTensor:  # noqa: N802 -- as in numpy
        """The dimensions in reverse order."""
        return self.transpose()

    @staticmethod
    def concat(tensors: Sequence[Any], axis: int = 0) -> HDLTensor:
        """Tensors one after the other along an existing axis."""
        return HDLTensor._from(np.concatenate([_tensor(tensor)._elements for tensor in tensors], axis=axis))

    def known_range(self, low: Any, high: Any) -> HDLTensor:
        """The same values, known to lie in ``[low, high]`` for reasons that their intervals do not show: wiring only.

        It is a promise: a value outside comes out wrong. Bounds broadcast; an interval that was tighter stays so.
        """

        def known(x: Element, low: Element, high: Element) -> Element:
            return narrowed(x, low.low, high.high)

        return _elementwise(known, self, HDLTensor.constant(low), HDLTensor.constant(high))

    # --- registers, names and packing ---------------------------------------------------------------------------------

    def register(self, name: str, enable: WireVector | None = None, reset: WireVector | None = None) -> HDLTensor:
        """A register per element, called ``{name}_{i}`` in row-major order, or ``name`` if there is one element.

        On each clock edge it becomes 0 where ``reset`` is high, and is loaded where ``enable`` is high or absent. With
        a reset, 0 joins the interval. A constant never changes, and gets no register, unless a reset can make it 0.
        Without a reset, what it holds before the first load is not in the interval in general, and means nothing.
        """
        for what, wire in (("enable", enable), ("reset", reset)):
            if wire is not None:
                check_wire(wire, 1, f"the {what} of {name}")

        def registered(x: Element, label: str) -> Element:
            if reset is not None:
                x = widened(x, 0, 0)
            if x.is_constant:
                return x
            register = pyrtl.Register(x.bits, label)
            value = x.wire if enable is None else pyrtl.select(enable, x.wire, register)
            register.next <<= value if reset is None else pyrtl.select(reset, pyrtl.Const(0, x.bits), value)
            return Element(register, x.low, x.high)

        return self._labelled(registered, name)

    def named(self, name: str) -> HDLTensor:
        """The same values on wires that waveforms show as ``{name}_{i}``, or ``name`` if there is one element."""

        def copied(x: Element, label: str) -> Element:
            wire = WireVector(x.bits, label)
            wire <<= x.wire
            return Element(wire, x.low, x.high)

        return self._labelled(copied, name)

    def _labelled(self, make: Callable[[Element, str], Element], name: str) -> HDLTensor:
        labels = [name] if self.size == 1 else [f"{name}_{i}" for i in range(self.size)]
        return self._from(object_array(map(make, self._elements.flat, labels), self.shape))

    def cast(self, dtype: IntType) -> HDLTensor:
        """The same values, each as wide as ``dtype`` and with its whole interval: wiring only.

        Raises:
            ValueError: if an element can have a value that ``dtype`` does not hold.
        """
        self._check_fits(dtype)
        return _elementwise(lambda x: widened(x, dtype.min, dtype.max), self)

    def pack(self, dtype: IntType) -> WireVector:
        """All elements in one wire, each extended to ``dtype``, row-major, element 0 in the least significant bits.

        Raises:
            ValueError: if an element can have a value that ``dtype`` does not hold, or if there is none.
        """
        self._check_fits(dtype)
        if not self.size:
            raise ValueError(f"a tensor of shape {self.shape} has no element to pack")
        parts = [part for element in reversed(self._elements.ravel()) for part in element.parts(dtype.bits)]
        return pyrtl.concat(*parts)

    def _check_fits(self, dtype: IntType) -> None:
        for position, x in np.ndenumerate(self._elements):
            if x.low < dtype.min or x.high > dtype.max:
                raise ValueError(
                    f"element {list(position)} must lie in [{dtype.min}, {dtype.max}] ({dtype}), "
                    f"but its interval is [{x.low}, {x.high}]"
                )
