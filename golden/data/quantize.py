"""Quantizing data: which integers stand for which real numbers, fitted to the range of the training split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from golden.data.dataset import Dataset, Values
from golden.data.quality import Histograms, Quality
from golden.encoding import Encoding
from golden.types import FloatArray, IntArray, IntType, TensorType

_MIN_BITS, _MAX_BITS = 2, 16


@dataclass(frozen=True, eq=False)
class _Fit:
    low: FloatArray
    high: FloatArray
    encoding: Encoding
    feature_shape: tuple[int, ...]


class QuantizeTransform:
    """``q = clip(floor(x / scale + 1/2) + zero_point, min_int, max_int)``, so that ``x ~ scale * (q - zero_point)``.

    The range ``low..high`` is that of ``data.training``; what lies outside in other splits saturates.

    ====================================  ==================  ======================================================
    mode                                  min_int..max_int    scale and zero point
    ====================================  ==================  ======================================================
    signed, symmetric, scale              -127..127           ``max(|low|, |high|) / 127``, 0
    signed, asymmetric, scale             -128..127           ``max(-low / 128, high / 127)``, 0
    signed, asymmetric, affine            -128..127           ``(high - low) / 255``, ``round(-128 - low / scale)``
    unsigned, scale                       0..255              ``high / 255``, 0; what is negative saturates to 0
    unsigned, asymmetric, affine          0..255              ``(high - low) / 255``, ``round(-low / scale)``
    ====================================  ==================  ======================================================

    (for 8 bits). An affine range is widened to contain 0, so that the zero point is one of the integers and 0.0, which
    padding and ReLU rest on, is exact. (``golden.quantize`` does not widen the ranges of a network's inputs: nothing
    pads there, and a feature like a year, 1990..2020, would waste nearly all of its integers on the way from 0.) A
    range that leaves nothing to tell apart (all zeros; all negative where what is negative saturates) gets scale 1 and
    zero point 0. Unsigned integers have no negative half to be symmetric to, so that ``symmetric`` makes no difference
    to the unsigned scale mode.

    Args:
        bits: width of the integers, 2..16.
        signed: two's complement, or unsigned.
        symmetric: leave out the most negative integer, which has no positive counterpart.
        affine: shift the range by a zero point (not with ``symmetric``); otherwise it is only scaled. The argument
            ``zero_point`` of the original post is ``affine=True`` here, the fourth positional argument.
        per_feature: a scale and zero point for each feature, shape (features,); otherwise scalars for all.

    Raises:
        TypeError: if ``bits`` is not an int or another argument not a bool.
        ValueError: for ``bits`` out of range, or ``symmetric`` with ``affine``.
    """

    def __init__(
        self,
        bits: int = 8,
        signed: bool = True,
        symmetric: bool = True,
        affine: bool = False,
        per_feature: bool = True,
    ) -> None:
        if isinstance(bits, bool) or not isinstance(bits, (int, np.integer)):
            raise TypeError(f"the bits of a QuantizeTransform must be an int, not {bits!r}")
        flags = {"signed": signed, "symmetric": symmetric, "affine": affine, "per_feature": per_feature}
        for name, flag in flags.items():
            if not isinstance(flag, bool):
                raise TypeError(f"{name} of a QuantizeTransform must be True or False, not {flag!r}")
        if not _MIN_BITS <= bits <= _MAX_BITS:
            raise ValueError(f"the bits of a QuantizeTransform must lie in {_MIN_BITS}..{_MAX_BITS}, not {bits}")
        if symmetric and affine:
            raise ValueError(
                "a symmetric range has its zero point at 0, there is nothing for affine to shift: "
                "affine needs symmetric=False"
            )
        self.bits, self.signed, self.symmetric = int(bits), signed, symmetric
        self.affine, self.per_feature = affine, per_feature
        self._fit: _Fit | None = None

    def __repr__(self) -> str:
        return (
            f"QuantizeTransform(bits={self.bits}, signed={self.signed}, symmetric={self.symmetric}, "
            f"affine={self.affine}, per_feature={self.per_feature})"
        )

    @property
    def dtype(self) -> IntType:
        """Type of the integers."""
        return IntType(self.bits, self.signed)

    @property
    def min_int(self) -> int:
        """Smallest integer that comes out."""
        return -self.dtype.max if self.signed and self.symmetric else self.dtype.min

    @property
    def max_int(self) -> int:
        """Largest integer that comes out."""
        return self.dtype.max

    @property
    def low(self) -> FloatArray:
        """Smallest value in the training split; raises RuntimeError, like all that is fitted, before it is."""
        return self._fitted.low

    @property
    def high(self) -> FloatArray:
        """Largest value in the training split."""
        return self._fitted.high

    @property
    def encoding(self) -> Encoding:
        """Scale and zero point, as a Graph wants them for its input."""
        return self._fitted.encoding

    @property
    def scale(self) -> FloatArray:
        """What one step of the integers is worth."""
        return self.encoding.scale

    @property
    def zero_point(self) -> IntArray:
        """The integer that stands for 0.0."""
        return self.encoding.zero_point

    def fit(self, data: Dataset) -> Self:
        """Choose scale and zero point by ``data.training``, forgetting an earlier choice.

        Raises:
            ValueError: without samples, or without a training split.
        """
        x = data.training.x.astype(np.float64)
        if not len(x):
            raise ValueError("a QuantizeTransform must be fitted on samples, the split to fit on is empty")
        axes = tuple(range(x.ndim - 1)) if self.per_feature and x.ndim > 1 else None
        low, high = np.asarray(x.min(axis=axes)), np.asarray(x.max(axis=axes))
        self._fit = _Fit(low, high, self._encoding(low, high), data.feature_shape)
        return self

    def apply(self, data: Dataset) -> Dataset:
        """Every split as int64, with scale and zero point as they are."""
        self._check_shape(data)
        return data.map_x(self._quantize)

    def __call__(self, data: Dataset) -> Dataset:
        """``fit`` and ``apply``."""
        return self.fit(data).apply(data)

    def inverse(self, data: Dataset) -> Dataset:
        """The real numbers that the integers of a quantized dataset stand for.

        Raises:
            TypeError, ValueError: if the samples are not integers of ``min_int..max_int``.
        """
        self._check_shape(data)
        for name, split in data.items():
            if split.x.dtype.kind != "i":
                raise TypeError(f"the samples of {name!r} must be integers to be decoded, not {split.x.dtype}")
            if len(split) and (split.x.min() < self.min_int or split.x.max() > self.max_int):
                raise ValueError(
                    f"the samples of {name!r} must lie in {self.min_int}..{self.max_int}, "
                    f"but they span {split.x.min()}..{split.x.max()}"
                )
        return data.map_x(self.encoding.decode)

    def quality(self, data: Dataset) -> dict[str, Quality]:
        """Error and signal-to-noise ratio of each split of real numbers, by its name."""
        decoded = self.inverse(self.apply(data))
        return {
            name: Quality.measure(split.columns.astype(np.float64), decoded[name].columns.astype(np.float64))
            for name, split in data.items()
        }

    def histograms(self, data: Dataset, feature: str | int, bins: int = 20) -> Histograms:
        """One feature of real numbers, all splits together, before and after quantization."""
        index = data.feature_index(feature)
        quantized = self.apply(data)
        before = np.concatenate([split.columns[:, index].astype(np.float64) for split in data.values()])
        after = np.concatenate([split.columns[:, index].astype(np.int64) for split in quantized.values()])
        name = data.feature_names[index] if data.feature_names else str(index)
        return Histograms.count(name, before, after, bins)

    def _encoding(self, low: FloatArray, high: FloatArray) -> Encoding:
        below, above = np.minimum(low, 0.0), np.maximum(high, 0.0)
        if self.affine:
            steps = self.max_int - self.min_int
            scale = (above / 2 - below / 2) / (steps / 2)  # halves: the difference may exceed the largest float
        elif self.signed:
            scale = np.maximum(below / self.min_int, above / self.max_int)
        else:
            scale = above / self.max_int
        degenerate = scale < np.finfo(np.float64).tiny  # zero, or too few digits left to divide by
        scale = np.where(degenerate, 1.0, scale)
        zero_point = np.floor(self.min_int - below / scale + 0.5) if self.affine else np.zeros_like(scale)
        return Encoding(scale, np.where(degenerate, 0, zero_point).astype(np.int64))

    def _quantize(self, x: Values) -> IntArray:
        with np.errstate(over="ignore"):  # an outlier may exceed every float before it saturates
            q = self.encoding.encode(x, TensorType(x.shape[1:], self.dtype))
        return np.clip(q, self.min_int, self.max_int)

    def _check_shape(self, data: Dataset) -> None:
        if data.feature_shape != self._fitted.feature_shape:
            raise ValueError(
                f"a QuantizeTransform fitted to samples of shape {self._fitted.feature_shape} "
                f"cannot take {data.feature_shape}"
            )

    @property
    def _fitted(self) -> _Fit:
        if self._fit is None:
            raise RuntimeError("QuantizeTransform has no scale yet: call it, or fit, on a Dataset first")
        return self._fit
