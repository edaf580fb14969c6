"""A convolution in training, with the pool behind it: forward, error back, gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from golden.trainer.arithmetic import MOST_ACTIVATION, rounded, symmetric
from golden.trainer.geometry import Geometry
from golden.trainer.layer import TrainedLayer
from golden.types import IntArray

SLOWER = 2
"""A weight of a convolution has an error for every place: steps are a quarter of those of a dense layer."""


@dataclass(eq=False, kw_only=True)
class TrainedConv(TrainedLayer):
    """``acc[p, i] = sum_t w8[i, t] a[place(p, t)] + w8[i, -1] one``, then of each pool the largest.

    Taps ``t`` go by rows, columns, channels of the window; outside of the image is 0. The result, rectified, has shape
    (rows, columns, outputs). An error goes back to the first largest of its pool. The gradient is the sum over all
    places, rounded once.

    Args:
        geometry: of the windows and pools.
        winners: which place of each pool was the largest in the last ``forward``, in the shape of its result.
    """

    geometry: Geometry
    winners: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self.winners = np.zeros((*self.geometry.pooled, self.outputs), dtype=np.int64)

    @property
    def features(self) -> int:
        """Elements of the image."""
        return self.geometry.elements

    @property
    def slower(self) -> int:
        """See ``SLOWER``."""
        return SLOWER

    @property
    def tensors(self) -> Mapping[str, IntArray]:
        """``winners``, where there are pools."""
        return {} if self.geometry.pool == (1, 1) else {f"{self.name}_winners": self.winners}

    def forward(self, a: IntArray) -> IntArray:
        """Hidden activations, pooled; which of each pool they are is kept for the errors."""
        weight = self.inference_weight
        accumulator = self.geometry.patches(a)[0] @ weight[:, :-1].T + weight[:, -1] * self.bias_input
        y = np.clip(rounded(accumulator, self.output_shift), 0, MOST_ACTIVATION)
        largest, winners = self.geometry.largest(y[None])
        self.winners = winners[0]
        hidden: IntArray = largest[0]
        return hidden

    def error_back(self, error: IntArray, a: IntArray) -> IntArray:
        """The error of this layer's inputs ``a``, hidden activations: nothing where one of them was 0."""
        back = self._before_pools(error) @ self.inference_weight[:, :-1]
        sums = self.geometry.images(back[None])[0].reshape(a.shape)
        return np.where(a > 0, symmetric(rounded(sums, self.weight_fraction_bits)), 0)

    def gradient(self, error: IntArray, a: IntArray) -> IntArray:
        """``sum_p e[p, i] a[place(p, t)]``"""
        apart = self._before_pools(error)
        patches = self.geometry.patches(a)[0]
        ones = np.full((len(patches), 1), self.bias_input)
        sums: IntArray = apart.T @ np.append(patches, ones, axis=1)
        return sums

    def _before_pools(self, error: IntArray) -> IntArray:
        """Of every place, shape (places, outputs)."""
        apart: IntArray = self.geometry.scattered(error[None], self.winners[None])[0]
        return apart
