"""What a user may choose about quantization, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SCALES = ("float", "power-of-two")
METHODS = ("min-max", "percentile", "mse")
LEAST_BITS, MOST_BITS = 2, 16


@dataclass(frozen=True)
class Settings:
    """The arguments of ``quantize`` except the model and its samples; ``layer_bits`` is (weights, result) by step."""

    weight_bits: int
    activation_bits: int
    per_channel: bool
    power_of_two: bool
    per_feature: bool
    layer_bits: Mapping[str, tuple[int, int]]
    symmetric: bool
    method: str
    percentile: float
    bias_correction: bool

    @classmethod
    def checked(
        cls,
        bits: Any,
        weight_bits: Any,
        activation_bits: Any,
        layer_bits: Mapping[str, Any] | None,
        scale: str,
        calibration_method: str,
        percentile: float,
        **choices: bool,
    ) -> Settings:
        """The settings; raises ValueError for a value out of range."""
        both = _bits(bits, "bits")
        weights = both if weight_bits is None else _bits(weight_bits, "weight_bits")
        activations = both if activation_bits is None else _bits(activation_bits, "activation_bits")
        if scale not in SCALES:
            raise ValueError(f"scale must be {' or '.join(map(repr, SCALES))}, not {scale!r}")
        if calibration_method not in METHODS:
            raise ValueError(f"calibration_method must be {', '.join(map(repr, METHODS))}, not {calibration_method!r}")
        if isinstance(percentile, bool) or not isinstance(percentile, int | float) or not 50.0 < percentile <= 100.0:
            raise ValueError(f"percentile must be a number above 50, at most 100, not {percentile!r}")
        if layer_bits is not None and not isinstance(layer_bits, Mapping):
            raise ValueError(f"layer_bits must map names of layers to bits, not {layer_bits!r}")
        return cls(
            weight_bits=weights,
            activation_bits=activations,
            layer_bits={name: _pair(value, name) for name, value in (layer_bits or {}).items()},
            power_of_two=scale == "power-of-two",
            method=calibration_method,
            percentile=float(percentile),
            **choices,
        )


def _pair(value: Any, name: str) -> tuple[int, int]:
    """One width for weights and result, or (weights, result)."""
    what = f"layer_bits of {name!r}"
    if isinstance(value, tuple | list):
        if len(value) != 2:
            raise ValueError(f"{what} must be an int or a pair (weights, result), not {value!r}")
        return _bits(value[0], what), _bits(value[1], what)
    return _bits(value, what), _bits(value, what)


def _bits(value: Any, what: str) -> int:
    is_int = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_int or not LEAST_BITS <= value <= MOST_BITS:
        raise ValueError(f"{what} must be an int in {LEAST_BITS}..{MOST_BITS}, not {value!r}")
    return int(value)
