"""What an op's hardware must say of itself: its choices, its timing, its circuit. One file an op in ``rtlgen/ops``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import singledispatch

from golden.ops import Op
from golden.types import TensorType
from rtlgen.arrivals import Arrivals
from rtlgen.intervals import Interval
from rtlgen.stream import Stream
from rtlgen.walk import Walk


@dataclass(frozen=True)
class Goal:
    """What the hardware of one layer has to keep to.

    Args:
        ii_cycles: most cycles from one sample to the next.
        multipliers: most multipliers.
        logic: whether a requantiser may multiply with adders in a cycle, for budgets below one multiplier a layer.
        unrolled: whether weights become constants in an adder graph instead of words in a store.
        lanes: of the result that are worth trying, where there is a choice.
    """

    ii_cycles: int
    multipliers: int
    logic: bool = False
    unrolled: bool = False
    lanes: Sequence[int] = range(1, 1 << 20)


@dataclass(frozen=True)
class Incoming:
    """A stream as a layer finds it.

    Args:
        type: of its tensor.
        lanes: elements a beat.
        reach: values that its channels can have.
        spacing_cycles: from one beat to the next, at least.
    """

    type: TensorType
    lanes: int
    reach: Interval
    spacing_cycles: int = 1


@dataclass(frozen=True)
class LayerPlan:
    """The hardware chosen for one layer.

    Args:
        engine: ``folded`` or ``unrolled`` for weighted ops, ``buffered`` for others that walk through a buffer,
            ``pipeline`` for those that compute on the way, ``wires`` for none.
        lanes_in, lanes_out: elements a beat of the streams before and after.
        ii_cycles: cycles from one sample to the next that this layer needs by itself.
        spacing_cycles: from one beat of the result to the next, at least.
        depth_cycles: cycles from an input beat to the output beat that it completes, for what computes on the way.
        multipliers: hardware multipliers (one is 18 x 18 bits, signed; wider products count as several).
        outputs, inputs: multiplications a cycle, as rows and columns of the weight matrix.
        folds, words: steps along the outputs and along the inputs; ``folds * words`` cycles a position.
        store_bits: bits of constants in stores, ``buffer_bits`` of buffered inputs.
        buffer_words: words in each buffer, a power of two; set by the plan once the timing is known.
        lut_sites: of the computation, a rough estimate to choose by.
        form: of a requantiser: a ``product`` in one cycle, in ``phases`` or ``bits`` over several, or a ``division``.
        logic: the multiplication is made of adders.
    """

    engine: str
    lanes_in: int
    lanes_out: int
    ii_cycles: int
    spacing_cycles: int = 1
    depth_cycles: int = 0
    multipliers: int = 0
    outputs: int = 0
    inputs: int = 0
    folds: int = 1
    words: int = 1
    store_bits: int = 0
    buffer_bits: int = 0
    buffer_words: tuple[int, ...] = ()
    lut_sites: int = 0
    form: str = ""
    logic: bool = False


def no_hardware(op: str) -> str:
    """What is said of an op of that class name where ``rtlgen/ops`` has nothing for it."""
    return f"has no hardware yet: add rtlgen/ops/{op.lower()}.py"


@singledispatch
def candidates(op: Op, xs: Sequence[Incoming], goal: Goal) -> Iterable[LayerPlan]:
    """Every sensible hardware of ``op`` on streams like these that keeps to ``goal``; maybe none."""
    raise NotImplementedError(f"{type(op).__name__} {no_hardware(type(op).__name__)}")


@singledispatch
def walk(op: Op, layer: LayerPlan, xs: Sequence[TensorType]) -> Walk | None:
    """How ``op`` walks through its buffers; None for what computes on the way."""
    return None


@singledispatch
def widths(op: Op, layer: LayerPlan, xs: Sequence[TensorType]) -> Sequence[int]:
    """Elements of a word in each buffer; for an op that has a walk."""
    return [layer.lanes_in for _ in xs]


@singledispatch
def departures(op: Op, layer: LayerPlan, xs: Sequence[TensorType], arrivals: Sequence[Arrivals]) -> Arrivals:
    """When the beats of the result are on their way out.

    What computes on the way shifts ``arrivals``; what walks tells its beats from the starts of its own positions.
    """
    raise NotImplementedError(f"{type(op).__name__} has no timing yet: see rtlgen/ops/{type(op).__name__.lower()}.py")


@singledispatch
def lower(op: Op, layer: LayerPlan, xs: Sequence[Stream], name: str) -> Stream:
    """The circuit of ``op`` in the working block; it takes ``xs`` and drives the stream that it returns."""
    raise NotImplementedError(f"{type(op).__name__} {no_hardware(type(op).__name__)}")
