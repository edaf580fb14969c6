"""Normalisation by the statistics of training, in inference: a scale and an offset per channel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.types import FloatArray


class BatchNorm2d:
    """``y = (x - running_mean) / sqrt(running_var + eps) * weight + bias``, per element of the innermost dimension.

    All four have shape (channels,); Ioffe & Szegedy (2015) call them E[x], Var[x], gamma and beta. Takes batches of any
    rank from two on.

    Raises:
        ValueError: for shapes that differ, or a variance that is not above ``-eps``.
    """

    def __init__(
        self,
        weight: npt.ArrayLike,
        bias: npt.ArrayLike,
        running_mean: npt.ArrayLike,
        running_var: npt.ArrayLike,
        eps: float = 1e-5,
    ) -> None:
        arrays = [np.array(array, dtype=np.float64) for array in (weight, bias, running_mean, running_var)]
        self.weight, self.bias, self.running_mean, self.running_var = arrays
        self.eps = float(eps)
        if self.weight.ndim != 1 or not self.weight.size or len({array.shape for array in arrays}) > 1:
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ValueError(f"BatchNorm2d needs four arrays of shape (channels,), not {shapes}")
        if np.any(self.running_var + self.eps <= 0):
            raise ValueError("running_var of BatchNorm2d must be above -eps: its root is divided by")

    @property
    def channels(self) -> int:
        """Size of the innermost dimension."""
        return self.weight.size

    @property
    def scale(self) -> FloatArray:
        """``weight / sqrt(running_var + eps)``, so that ``y = scale * x + offset``."""
        return np.asarray(self.weight / np.sqrt(self.running_var + self.eps), dtype=np.float64)

    @property
    def offset(self) -> FloatArray:
        """``bias - scale * running_mean``"""
        return np.asarray(self.bias - self.scale * self.running_mean, dtype=np.float64)

    def parameters(self) -> list[FloatArray]:
        """Weight, bias, running mean and variance; the arrays themselves, not copies."""
        return [self.weight, self.bias, self.running_mean, self.running_var]

    def __call__(self, x: FloatArray) -> FloatArray:
        if x.ndim < 2 or x.shape[-1] != self.channels:
            raise ValueError(f"{self} needs {self.channels} channels, the innermost dimension, not {x.shape}")
        return np.asarray(self.scale * (x - self.running_mean) + self.bias, dtype=np.float64)

    def __repr__(self) -> str:
        return f"BatchNorm2d({self.channels})"
