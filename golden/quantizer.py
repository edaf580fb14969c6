"""From a float model to a graph of integers: scales and zero points from what calibration samples do.

One layer, for the integers ``q`` of its input ``x = s * (q - z)``, with ``w' = w * s``::

    W[o, i] = round(w'[o, i] / t[o])                               symmetric, narrow range; t: step of accumulator o
    B[o]    = round((b + sum_i (w' - t W)[o, i] * mean_i(q - z)) / t[o]) - sum_i W[o, i] * z[i]
    y[o]    = requantize(relu(B + W @ q)[o]) by t[o] / s_y, plus z_y

The zero point of the input is thus folded into the bias, and with it the mean error that rounding the weights makes
(bias correction, Nagel et al. 2019), which is zero only at ``q = z`` otherwise: far away for a feature like a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from golden.data import Dataset, Split
from golden.encoding import Encoding
from golden.graph import Graph
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.ops import Argmax, Dense, Op, Relu, Requantize
from golden.types import FloatArray, IntType, TensorType

SCALES = ("float", "power-of-two")
_MULTIPLIER_BITS = 17
_LARGEST_SHIFT = 62
_FINEST_ROW = 256.0
"""No row of weights has a step finer than this part of the coarsest: its rounding is already far below the output's."""
_LARGEST_BIAS = 2.0**30


@dataclass(frozen=True)
class _Stage:
    """A Linear, the ReLU that follows, if any, and its calibration: inputs and results, (samples, features)."""

    position: int
    linear: Linear
    relu: bool
    x: FloatArray
    y: FloatArray


def quantize(
    model: Sequential,
    calibration: npt.ArrayLike | Split,
    bits: int = 8,
    per_channel: bool = True,
    scale: str = "float",
    per_feature: bool = True,
) -> Graph:
    """The integer graph of ``model``: Dense, Relu and Requantize per layer, and Argmax for a SoftMax at the end.

    Args:
        model: Linear layers, each with a ReLU after it or not, and a SoftMax at the end or not.
        calibration: typical inputs in raw units, shape (samples, features), or a split of them; the ranges are theirs.
        bits: width of inputs, weights and activations, 2 to 16, all signed.
        per_channel: one weight scale per output of a Linear rather than one per Linear.
        scale: ``"float"``, fixed-point multipliers of up to 17 bits with one shift per layer, or ``"power-of-two"``,
            shifts alone.
        per_feature: one input scale per feature rather than one for all.

    Returns:
        A graph with encodings for the input and every tensor that stands for real numbers.

    Raises:
        TypeError, ValueError: for arguments or a model that cannot be quantized; a note names the layer.
    """
    stages = _stages(model, calibration, bits, scale)
    bits = int(bits)
    dtype = IntType(bits, True)
    power = scale == "power-of-two"
    encoding = _input_encoding(stages[0].x, dtype, per_feature, power)
    encodings = {"x": encoding}
    ops: list[Op] = []
    relus = 0
    for number, stage in enumerate(stages, 1):
        try:
            dense, step = _dense(stage, encoding, bits, per_channel, power)
            encoding = _activation_encoding(stage.y, dtype, float(np.max(step)), power)
            multiplier, shift = (_shifts if power else _multipliers)(step / encoding.scale)
            requantize = Requantize(multiplier, shift, int(encoding.zero_point), dtype)
        except ValueError as error:
            model.placed(error, stage.position)
            raise
        accumulator = Encoding(step, np.int64(0))  # type: ignore[arg-type]
        encodings[f"dense{number}"] = accumulator
        ops.append(dense)
        if stage.relu:
            relus += 1
            encodings[f"relu{relus}"] = accumulator
            ops.append(Relu())
        encodings[f"requantize{number}"] = encoding
        ops.append(requantize)
    if isinstance(model.layers[-1], SoftMax):
        ops.append(Argmax())
    x = TensorType((stages[0].linear.in_features,), dtype)
    return Graph.chain(x, *ops, encodings=encodings, classes=model.classes)


def _stages(model: Sequential, calibration: npt.ArrayLike | Split, bits: int, scale: str) -> list[_Stage]:
    """The model cut into layers of hardware, with the calibration samples run through it."""
    if isinstance(bits, bool) or not isinstance(bits, (int, np.integer)) or not 2 <= bits <= 16:
        raise model.placed(ValueError(f"bits must be an int in 2..16, not {bits!r}"), 0)
    if scale not in SCALES:
        raise model.placed(ValueError(f"scale must be {' or '.join(map(repr, SCALES))}, not {scale!r}"), 0)
    for position, layer in enumerate(model.layers):
        if not isinstance(layer, Linear | ReLU | SoftMax):
            supported = "Linear, ReLU and SoftMax can"
            raise model.placed(ValueError(f"a {type(layer).__name__} cannot be quantized, {supported}"), position)
        if isinstance(layer, SoftMax) and position != len(model.layers) - 1:
            raise model.placed(ValueError("a SoftMax must be the last layer"), position)
    if not isinstance(model.layers[0], Linear):
        raise model.placed(ValueError("a model to quantize must begin with a Linear"), 0)
    if isinstance(calibration, Dataset):
        known = ", ".join(map(repr, calibration))
        raise model.placed(TypeError(f"calibration must be one split of the Dataset, by name: {known}"), 0)
    x = np.asarray(calibration.x if isinstance(calibration, Split) else calibration, dtype=np.float64)
    features = model.layers[0].in_features
    if x.ndim != 2 or x.shape[1] != features:
        raise model.placed(ValueError(f"calibration must have shape (samples, {features}), not {x.shape}"), 0)
    if not len(x):
        raise model.placed(ValueError("calibration needs at least one sample"), 0)
    if not np.all(np.isfinite(x)):
        column = int(np.argwhere(~np.isfinite(x))[0, 1])
        raise model.placed(ValueError(f"calibration has a NaN or an infinity in feature {column}"), 0)

    stages: list[_Stage] = []
    for position, layer in enumerate(model.layers):
        if isinstance(layer, Linear):
            if not all(np.all(np.isfinite(array)) for array in (layer.weight, layer.bias)):
                raise model.placed(ValueError("a weight or bias is NaN or infinite"), position)
            y = layer(x)
            stages.append(_Stage(position, layer, False, x, y))
            x = y
        elif isinstance(layer, ReLU):
            last = stages[-1]
            x = layer(last.y)
            stages[-1] = _Stage(last.position, last.linear, True, last.x, x)
    return stages


def _scale(span: FloatArray, dtype: IntType, power: bool) -> FloatArray:
    """The step that spreads ``span`` over the values of ``dtype``; rounded up to a power of two if asked."""
    steps = span / (dtype.max - dtype.min)
    return np.asarray(np.exp2(np.ceil(np.log2(steps))) if power else steps, dtype=np.float64)


def _affine(low: FloatArray, high: FloatArray, dtype: IntType, scale: FloatArray) -> Encoding:
    """The range in the middle of the integers; from its lowest integer where the range begins at zero."""
    middle = np.floor(0.5 * (dtype.min + dtype.max) - 0.5 * (low + high) / scale + 0.5)
    return Encoding(scale, np.where(low == 0.0, dtype.min, middle).astype(np.int64))


def _input_encoding(x: FloatArray, dtype: IntType, per_feature: bool, power: bool) -> Encoding:
    """Min-max, per feature or for all; a range need not contain zero, for nothing pads here.

    A constant feature is encoded from zero to its value; one that is constantly zero as fine as the finest other.
    """
    axis = 0 if per_feature else None
    low, high = np.asarray(x.min(axis=axis)), np.asarray(x.max(axis=axis))
    constant = high - low <= 1e-9 * np.maximum(np.abs(low), np.abs(high))
    low, high = np.where(constant, np.minimum(low, 0.0), low), np.where(constant, np.maximum(high, 0.0), high)
    span = high - low
    span = np.where(span > 0, span, span[span > 0].min(initial=np.inf))
    span = np.where(np.isfinite(span), span, float(dtype.max - dtype.min))
    return _affine(low, high, dtype, _scale(span, dtype, power))


def _activation_encoding(y: FloatArray, dtype: IntType, step: float, power: bool) -> Encoding:
    """Min-max with zero, for the whole tensor; a layer that is always zero gets the step of its accumulators."""
    low, high = np.minimum(y.min(), 0.0), np.maximum(y.max(), 0.0)
    scale = _scale(high - low, dtype, power) if high > low else np.asarray(step)
    encoding = _affine(np.asarray(low), np.asarray(high), dtype, scale)
    return Encoding(scale, np.clip(encoding.zero_point, dtype.min, dtype.max))


def _dense(stage: _Stage, x: Encoding, bits: int, per_channel: bool, power: bool) -> tuple[Dense, FloatArray]:
    """Integer weights and bias, and the real step of the accumulators: (outputs,), or a scalar per tensor."""
    folded, bias = stage.linear.weight * x.scale, stage.linear.bias
    largest = 2 ** (bits - 1) - 1
    rows = np.abs(folded).max(axis=1)
    floor = max(rows.max() / largest / _FINEST_ROW, np.abs(bias).max() / _LARGEST_BIAS)
    step = np.maximum((rows if per_channel else rows.max()) / largest, floor if floor > 0 else 1.0)
    if power:
        step = np.exp2(np.ceil(np.log2(step)))
    column = np.broadcast_to(step, rows.shape)[:, None]
    weight = np.clip(np.floor(folded / column + 0.5), -largest, largest)
    error = (folded - weight * column) @ (stage.x.mean(axis=0) / x.scale)
    real = np.floor((bias + error) / step + 0.5)
    zero_point = np.broadcast_to(x.zero_point, folded.shape[1:]).astype(np.int64)
    if np.abs(real).max() + np.abs(weight).sum(axis=1).max() * np.abs(zero_point).max() >= 2.0**62:
        raise ValueError("the bias does not fit 63 bits: the inputs are too far from zero for their range")
    integers = weight.astype(np.int64)
    return Dense(integers, real.astype(np.int64) - integers @ zero_point), np.asarray(step, dtype=np.float64)


def _multipliers(ratio: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Fixed-point numbers of one common shift, the largest of which just fits 17 bits."""
    largest = float(np.max(ratio))
    shift = min(_MULTIPLIER_BITS - 1 - int(np.floor(np.log2(largest))), _LARGEST_SHIFT)
    if np.floor(largest * 2.0**shift + 0.5) >= 2**_MULTIPLIER_BITS:
        shift -= 1
    multiplier = np.floor(ratio * 2.0**shift + 0.5).astype(np.int64)
    if shift < 0 or multiplier.max() == 0:
        raise ValueError(
            f"the scale from accumulator to output is {largest:g}, beyond a multiplier of {_MULTIPLIER_BITS} bits "
            f"and a shift of 0..{_LARGEST_SHIFT}: calibration with more typical samples may help"
        )
    return multiplier, np.full_like(multiplier, shift)


def _shifts(ratio: FloatArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Powers of two: a shift with the multiplier 1, or a multiplier above 1 with the shift 0."""
    exponent = np.round(np.log2(ratio)).astype(np.int64)
    if exponent.max() >= _MULTIPLIER_BITS or exponent.min() < -_LARGEST_SHIFT:
        raise ValueError(
            f"the scale from accumulator to output is 2**{exponent.max()}, beyond a multiplier of {_MULTIPLIER_BITS} "
            f"bits and a shift of 0..{_LARGEST_SHIFT}: calibration with more typical samples may help"
        )
    return np.int64(1) << np.maximum(exponent, 0), np.maximum(-exponent, 0)
