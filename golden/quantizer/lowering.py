"""The integer graph while it is made: its tensors, and what the lowering of a layer may ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from golden.encoding import Encoding
from golden.graph import Node
from golden.layers import ReLU6
from golden.ops import Op, Requantize
from golden.quantizer.calibration import Statistics
from golden.quantizer.ranges import Range, bits_of
from golden.quantizer.scales import activation_encoding, input_encoding, multipliers
from golden.quantizer.settings import Settings
from golden.quantizer.stages import Activation, Stage
from golden.quantizer.weights import IntegerWeights, integer_weights
from golden.types import FloatArray, IntType, TensorType

_INDICES = Encoding(np.asarray(1.0), np.asarray(0))


@dataclass(frozen=True, eq=False)
class Tensor:
    """An integer tensor and the real numbers that it stands for; a vector of scales is only ever read by a Dense."""

    name: str
    type: TensorType
    encoding: Encoding

    @property
    def scale(self) -> float:
        """The scale of all elements."""
        return float(self.encoding.scale)

    @property
    def zero_point(self) -> int:
        """The zero point of all elements."""
        return int(self.encoding.zero_point)

    def stands_for(self, real: float) -> int:
        """The integer nearest to a real number, halves up, saturated."""
        integer = int(np.floor(real / self.scale + 0.5)) + self.zero_point
        return min(max(integer, self.type.dtype.min), self.type.dtype.max)


@dataclass(eq=False)
class Lowering:
    """What there is of the graph, the settings, and what calibration found."""

    settings: Settings
    statistics: Mapping[str, Statistics]
    ranges: Mapping[str, Range]
    foreign: Collection[str] = ()
    """Names of tensors that the user's network has with other values, or not at all."""
    inputs: dict[str, TensorType] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    encodings: dict[str, Encoding] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def input(self, name: str, samples: FloatArray, linear: bool) -> Tensor:
        """Another input of the graph, encoded for ``samples``; ``linear`` if only Linear layers read it."""
        settings = self.settings
        dtype, style = IntType(settings.activation_bits, True), (settings.power_of_two, settings.symmetric)
        if linear and samples.ndim == 2:
            encoding = input_encoding(samples, dtype, settings.per_feature, *style)
        else:
            encoding = activation_encoding(*self.ranges[name], dtype, 1.0, *style)
        type_ = TensorType(samples.shape[1:], dtype)
        self.inputs[name], self.encodings[name], self.origins[name] = type_, encoding, name
        return Tensor(name, type_, encoding)

    def add(self, op: Op, x: Sequence[Tensor], encoding: Encoding | None, origin: str = "") -> Tensor:
        """The result of ``op``, called after its class and its place among its kind.

        Args:
            op: it reads ``x``.
            x: tensors of the graph.
            encoding: the real numbers that the result stands for; None for indices.
            origin: the float tensor that these approximate, if the network has it.
        """
        type_ = op.out_type(*(tensor.type for tensor in x))
        kind = op.__class__.__name__.lower()
        while True:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            name = f"{kind}{self._counts[kind]}"
            if name not in self.inputs:
                break
        self.nodes.append(Node(name, op, tuple(tensor.name for tensor in x)))
        if encoding is not None:
            self.encodings[name] = encoding
        if origin and origin not in self.foreign:
            self.origins[name] = origin
        return Tensor(name, type_, encoding or _INDICES)

    def result_type(self, stage: Stage) -> IntType:
        """Element type of a stage's result."""
        return IntType(bits_of(stage, self.settings)[1], True)

    def encoding_of(self, stage: Stage, step: float) -> Encoding:
        """Encoding of a stage's result; ``step`` is the scale of one that is always zero."""
        low, high = self.ranges[stage.result]
        settings = self.settings
        return activation_encoding(low, high, self.result_type(stage), step, settings.power_of_two, settings.symmetric)

    def clamp(self, activation: Activation | None, encoding: Encoding, dtype: IntType) -> tuple[int, int] | None:
        """The integers that a result keeps of ``dtype`` after a ReLU or ReLU6; None for all."""
        if activation is None:
            return None
        low, high = int(encoding.zero_point), dtype.max
        if isinstance(activation, ReLU6):
            high = min(high, low + int(np.floor(6.0 / float(encoding.scale) + 0.5)))
        return None if (low, high) == (dtype.min, dtype.max) else (low, high)

    def requantized(self, x: Tensor, stage: Stage, activation: Activation | None) -> Tensor:
        """``x``, the accumulators of a stage, as its result."""
        dtype = self.result_type(stage)
        encoding = self.encoding_of(stage, float(np.max(x.encoding.scale)))
        multiplier, shift = multipliers(x.encoding.scale / encoding.scale, self.settings.power_of_two)
        requantize = Requantize(
            multiplier,
            shift,
            int(encoding.zero_point),
            dtype,
            x_zero_point=int(x.encoding.zero_point),
            clamp=self.clamp(activation, encoding, dtype),
        )
        return self.add(requantize, (x,), encoding, stage.result)

    def weights(
        self, stage: Stage, folded: FloatArray, x: Encoding, mean_error: Callable[[FloatArray], FloatArray]
    ) -> IntegerWeights:
        """The integers of a stage with weights; arguments as of ``integer_weights``."""
        settings = self.settings
        return integer_weights(
            folded,
            stage.layer.bias,
            x.zero_point,
            bits_of(stage, settings)[0],
            settings.per_channel,
            settings.power_of_two,
            settings.method == "mse",
            mean_error if settings.bias_correction else None,
        )
