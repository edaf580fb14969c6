"""What an op's hardware must say of itself: its choices, its timing, its circuit. One file an op in ``rtlgen/ops``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

from golden.ops import Op
from golden.types import TensorType
from rtlgen.stream import Stream


@dataclass(frozen=True)
class Goal:
    """What the hardware of one layer has to keep to.

    Args:
        ii_cycles: most cycles from one sample to the next.
        multipliers: most multipliers.
        logic: whether a lone multiplication may be made of adders, for budgets below one multiplier a layer.
        unrolled: whether weights become constants in an adder graph instead of words in a store.
    """

    ii_cycles: int
    multipliers: int
    logic: bool = False
    unrolled: bool = False


@dataclass(frozen=True)
class LayerPlan:
    """The hardware chosen for one layer.

    Args:
        engine: ``folded`` or ``unrolled`` for weighted ops, ``pipeline`` for lane-wise ones, ``wires`` for none.
        lanes_in, lanes_out: elements a beat of the streams before and after.
        ii_cycles: cycles from one sample to the next that this layer needs by itself.
        depth_cycles: cycles from an input beat to the output beat that it completes, for all but the folded engine.
        multipliers: hardware multipliers (one is 18 x 18 bits, signed; wider products count as several).
        outputs, inputs: multiplications a cycle, as rows and columns of the weight matrix.
        folds, words: steps along the outputs and along the inputs; ``folds * words`` cycles a sample.
        store_bits: bits of constants in stores, ``buffer_bits`` of double-buffered inputs.
        logic: the multiplication is made of adders.
    """

    engine: str
    lanes_in: int
    lanes_out: int
    ii_cycles: int
    depth_cycles: int = 0
    multipliers: int = 0
    outputs: int = 0
    inputs: int = 0
    folds: int = 1
    words: int = 1
    store_bits: int = 0
    buffer_bits: int = 0
    logic: bool = False


def no_hardware(op: str) -> str:
    """What is said of an op of that class name where ``rtlgen/ops`` has nothing for it."""
    return f"has no hardware yet: add rtlgen/ops/{op.lower()}.py"


@singledispatch
def candidates(op: Op, x: TensorType, lanes: int, goal: Goal) -> Iterable[LayerPlan]:
    """Every sensible hardware of ``op`` on a stream of ``x`` with ``lanes`` that keeps to ``goal``; maybe none."""
    raise NotImplementedError(f"{type(op).__name__} {no_hardware(type(op).__name__)}")


@singledispatch
def departures(op: Op, layer: LayerPlan, x: TensorType, arrivals: list[int]) -> list[int]:
    """Cycles on which the output's beats of a first sample move, given those of the input; nothing stalls."""
    raise NotImplementedError(f"{type(op).__name__} has no timing yet: see rtlgen/ops/{type(op).__name__.lower()}.py")


@singledispatch
def lower(op: Op, layer: LayerPlan, x: Stream, name: str) -> Stream:
    """The circuit of ``op`` in the working block; it takes ``x`` and drives the stream that it returns."""
    raise NotImplementedError(f"{type(op).__name__} {no_hardware(type(op).__name__)}")


def multipliers_for(a_bits: int, b_bits: int) -> int:
    """18 x 18 bit signed multipliers in a signed product of ``a_bits`` by ``b_bits``.

    Synthesis may need fewer: where the last limb of a wide operand is a bit or two, it makes that product of logic.
    """
    return -(-max(a_bits - 1, 1) // 17) * -(-max(b_bits - 1, 1) // 17)
