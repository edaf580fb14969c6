"""Channels first and channels last: which dimension of a tensor of ours is which one of ONNX's.

ONNX's dimensions are (batch, channels, rows, columns), ours (batch, rows, columns, channels). A tensor remembers the
order of its dimensions; a Transpose is made only where an op needs another order, and a Transpose in the file is none
at all here, only another way of counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from golden.types import IntArray

T = TypeVar("T")

Order = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """A tensor being imported.

    ``shape`` is ONNX's without the batch; dimension ``i`` of the tensor called ``name`` here is ONNX's ``order[i]``,
    both counted behind the batch.
    """

    name: str
    shape: tuple[int, ...]
    order: Order

    @property
    def own_shape(self) -> tuple[int, ...]:
        """The shape in the order of the dimensions here."""
        return tuple(self.shape[axis] for axis in self.order)

    def place(self, axis: int) -> int:
        """Where ONNX's dimension ``axis``, counted behind the batch, is here."""
        return self.order.index(axis)


def channels_last(rank: int) -> Order:
    """(rows, columns, channels) of (channels, rows, columns); of any rank."""
    return (*range(1, rank), 0) if rank else ()


def as_in_file(rank: int) -> Order:
    """The order that ONNX has."""
    return tuple(range(rank))


def behind_batch(axis: int, rank: int) -> int:
    """ONNX's ``axis``, perhaps negative, of a tensor of ``rank`` dimensions with the batch, counted behind the batch.

    Raises:
        ValueError: for the batch itself, or an axis that is not there.
    """
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is not one of {rank} dimensions")
    if axis % rank == 0:
        raise ValueError("it works along the batch, which is not supported")
    return axis % rank - 1


class Steps(Generic[T]):
    """Named steps (ops or layers) in the making, each a function of tensors made before."""

    def __init__(self) -> None:
        self.made: list[tuple[str, T, tuple[str, ...]]] = []
        self.origins: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def add(self, step: T, *inputs: str) -> str:
        """The name of a new step: its class and its place among its kind, ``conv1``."""
        kind = self.kind(step)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        name = f"{kind}{self._counts[kind]}"
        self.made.append((name, step, inputs))
        return name

    def kind(self, step: T) -> str:
        """What a step is called before it is counted."""
        return type(step).__name__.lower()

    def transpose(self, permutation: Order) -> T:
        """The step that puts dimensions into another order."""
        raise NotImplementedError

    def reshape(self, shape: tuple[int, ...]) -> T:
        """The step that gives the elements another shape."""
        raise NotImplementedError

    def is_reshape(self, step: T) -> bool:
        """Whether ``step`` is one that ``reshape`` makes."""
        raise NotImplementedError

    def permutation_of(self, step: T) -> Order | None:
        """What ``transpose`` made ``step`` of, if it did."""
        raise NotImplementedError

    def elementwise(self, step: T) -> bool:
        """Whether ``step`` treats every element of one tensor alike, wherever it is."""
        raise NotImplementedError

    def permuted(self, step: T, places: IntArray) -> T | None:
        """A fully connected ``step`` for inputs of which element ``places[i]`` is what was element ``i``."""
        raise NotImplementedError

    def shape_of(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, in the order of its dimensions here."""
        raise NotImplementedError

    def as_images(self, x: Tensor) -> Tensor:
        """``x``, images or sequences of ONNX, channels last, of two spatial dimensions in any case."""
        if len(x.shape) not in (2, 3):
            raise ValueError(f"it takes images or sequences, of 4 or 3 dimensions, not {len(x.shape) + 1}")
        x = self.arranged(x, channels_last(len(x.shape)))
        if len(x.shape) == 3:
            return x
        channels, length = x.shape
        name = self.add(self.reshape((1, length, channels)), x.name)
        return Tensor(name, (channels, 1, length), channels_last(3))

    def from_images(self, name: str, rank: int) -> Tensor:
        """The tensor called ``name``, rows, columns, channels, in ``rank`` dimensions."""
        rows, columns, channels = self.shape_of(name)
        if rank == 3:
            return Tensor(name, (channels, rows, columns), channels_last(3))
        return Tensor(self.add(self.reshape((columns, channels)), name), (channels, columns), channels_last(2))

    def arranged(self, x: Tensor, order: Order) -> Tensor:
        """``x`` with its dimensions in ``order``."""
        if x.order == order:
            return x
        own = tuple(x.shape[axis] for axis in order)
        if _without_ones(x.order, x.shape) == _without_ones(order, x.shape):
            return Tensor(self.add(self.reshape(own), x.name), x.shape, order)
        permutation = tuple(x.order.index(axis) for axis in order)
        return Tensor(self.add(self.transpose(permutation), x.name), x.shape, order)

    def reshaped(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The elements of ``x`` in ONNX's row-major order in another shape."""
        if shape == x.shape:
            return x
        if [size for size in shape if size != 1] == [size for size in x.shape if size != 1]:
            order = _same_order(x, shape)
            if order is not None:
                own = tuple(shape[axis] for axis in order)
                name = x.name if own == x.own_shape else self.add(self.reshape(own), x.name)
                return Tensor(name, shape, order)
        plain = self.arranged(x, as_in_file(len(x.shape)))
        return Tensor(self.add(self.reshape(shape), plain.name), shape, as_in_file(len(shape)))

    def transposed(self, x: Tensor, permutation: Sequence[int]) -> Tensor:
        """ONNX's Transpose; ``permutation`` includes the batch, which must stay in front."""
        rank = len(x.shape) + 1
        if sorted(permutation) != list(range(rank)) or permutation[0] != 0:
            raise ValueError(f"the permutation {list(permutation)} moves the batch or has not {rank} dimensions")
        old = [axis - 1 for axis in permutation[1:]]
        return Tensor(x.name, tuple(x.shape[axis] for axis in old), tuple(old.index(axis) for axis in x.order))


def _without_ones(order: Order, shape: tuple[int, ...]) -> list[int]:
    return [axis for axis in order if shape[axis] != 1]


def _same_order(x: Tensor, shape: tuple[int, ...]) -> Order | None:
    """An order of ``shape``, which differs from that of ``x`` in ones only, that leaves all elements where they are."""
    old, new = _without_ones(as_in_file(len(x.shape)), x.shape), _without_ones(as_in_file(len(shape)), shape)
    wanted = [new[old.index(axis)] for axis in _without_ones(x.order, x.shape)]
    for order in (channels_last(len(shape)), as_in_file(len(shape))):
        if _without_ones(order, shape) == wanted:
            return order
    return None


def same_order(tensors: Sequence[Tensor]) -> Order:
    """The order of dimensions that costs the fewest Transposes to bring all ``tensors`` to."""
    orders = [x.order for x in tensors]
    return max(orders, key=orders.count)


def renamed(x: Tensor, name: str, shape: tuple[int, ...] | None = None) -> Tensor:
    """The result of an op that keeps the order of dimensions."""
    return replace(x, name=name, shape=x.shape if shape is None else shape)
