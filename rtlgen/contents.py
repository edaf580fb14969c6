"""What a tensor can be made of: numbers, wires, a packed wire, random numbers; each becomes an array of elements."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import pyrtl
from pyrtl import WireVector

from golden.types import IntType
from rtlgen.array import Elements, object_array
from rtlgen.element import Element, net


def elements_of_integers(values: Any, what: str = "a constant") -> Elements:
    """Constants of a number, nested list or array of integers of any size.

    Raises:
        TypeError: if they are not integers.
        ValueError: if a nested list is ragged.
    """
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biu":  # beyond int64, mixed lists turn to floats or objects: look at each one
            array = np.asarray(values, dtype=object)
    except ValueError as error:
        raise ValueError(f"{what} must be a regular nested list of integers: {error}") from error
    for value in array.flat if array.dtype.kind == "O" else ():
        if not isinstance(value, int | np.integer | np.bool_):
            raise TypeError(f"{what} must consist of integers, but has {value!r} of type {type(value).__name__}")
    if array.dtype.kind not in "biuO":
        raise TypeError(f"{what} must consist of integers, not of {array.dtype}")
    return object_array((Element.constant(int(value)) for value in array.flat), array.shape)


def elements_of_wires(wires: Any, low: Any, high: Any) -> Elements:
    """Elements on existing wires; ``low`` and ``high`` are integers or arrays of them that broadcast to their shape.

    Raises:
        ValueError: if a wire is not exactly as wide as its interval needs, or is of another block.
    """
    shape, flat = _flattened(wires)
    try:
        lows, highs = (np.broadcast_to(np.asarray(bound, dtype=object), shape).flat for bound in (low, high))
    except ValueError:
        raise ValueError(
            f"low and high must broadcast to the shape {shape} of the wires, but have the shapes "
            f"{np.shape(low)} and {np.shape(high)}"
        ) from None
    for wire in flat:
        check_wire(wire)
    return object_array((Element(*args) for args in zip(flat, map(int, lows), map(int, highs), strict=True)), shape)


def elements_of_packed(wire: WireVector, shape: Sequence[int], dtype: IntType) -> Elements:
    """Elements from one wire, row-major, element 0 in the least significant bits.

    Raises:
        ValueError: if the wire is not ``prod(shape) * dtype.bits`` wide.
    """
    check_wire(wire)
    count, bits = prod(shape), dtype.bits
    if wire.bitwidth != count * bits:
        raise ValueError(
            f"{dtype}{list(shape)} packed must be {count * bits} bits wide, not the {wire.bitwidth} of {wire.name!r}"
        )
    if count == 1:
        return object_array([Element(wire, dtype.min, dtype.max)], shape)
    starts = range(0, count * bits, bits)
    slices = (net("s", (wire,), bits, tuple(range(start, start + bits))) for start in starts)
    return object_array((Element(part, dtype.min, dtype.max) for part in slices), shape)


def elements_of_value(value: Any, shape: tuple[int, ...], dtype: IntType, seed: int, name: str) -> Elements:
    """Whatever `HDLTensor` takes as its ``value``."""
    if value is None:
        draw = random.Random(seed)
        return object_array((Element.constant(draw.randint(dtype.min, dtype.max)) for _ in range(prod(shape))), shape)
    if isinstance(value, str):
        if value != "input":
            raise ValueError(f'a value must be "input", a wire, wires or integers, not {value!r}')
        if name in pyrtl.working_block().wirevector_by_name:
            raise ValueError(f"there is a wire {name!r} in this block already: give the port another name")
        value = pyrtl.Input(prod(shape) * dtype.bits, name)
    if isinstance(value, WireVector):
        return elements_of_packed(value, shape, dtype)
    if _has_wires(value):
        elements = elements_of_wires(value, dtype.min, dtype.max)
    else:
        elements = elements_of_integers(value, "a value")
    if elements.shape != shape:
        raise ValueError(f"a value for a tensor of shape {shape} must have that shape, not {elements.shape}")
    for position, element in np.ndenumerate(elements):
        if element.low < dtype.min or element.high > dtype.max:
            raise ValueError(
                f"a value at {list(position)} must lie in [{dtype.min}, {dtype.max}] ({dtype}), but is {element.low}"
            )
    return elements


def check_wire(wire: Any, bits: int | None = None, what: str = "a wire") -> None:
    """Whether ``wire`` is a wire of the working block, of ``bits`` bits if that is given.

    Raises:
        TypeError: if it is not a wire.
        ValueError: if it has another width, or is of another block.
    """
    if not isinstance(wire, WireVector):
        raise TypeError(f"{what} must be a pyrtl.WireVector, not {wire!r} of type {type(wire).__name__}")
    if bits is not None and wire.bitwidth != bits:
        raise ValueError(f"{what} must be {bits} bits wide, not the {wire.bitwidth} of {wire.name!r}")
    if wire not in pyrtl.working_block().wirevector_set:
        raise ValueError(f"wire {wire.name!r} must belong to the working block, but it belongs to another one")


def _has_wires(value: Any) -> bool:
    while isinstance(value, list | tuple) and len(value):
        value = value[0]
    if isinstance(value, np.ndarray) and value.dtype == object and value.size:
        value = value.flat[0]
    return isinstance(value, WireVector)


def _flattened(wires: Any) -> tuple[tuple[int, ...], list[Any]]:
    """Shape and contents of nested lists, by hand: numpy would take each wire for a list of its bits."""
    if isinstance(wires, np.ndarray):
        return wires.shape, list(wires.flat)
    if not isinstance(wires, list | tuple):
        return (), [wires]
    parts = [_flattened(wire) for wire in wires]
    if len({shape for shape, _ in parts}) > 1:
        raise ValueError(f"wires must be nested regularly, but shapes differ: {[shape for shape, _ in parts]}")
    return (len(wires), *(parts[0][0] if parts else ())), [wire for _, flat in parts for wire in flat]
