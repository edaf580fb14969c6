"""Where a convolution looks, and what of its results a pool takes: index arithmetic, of integers and floats alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from golden.types import IntArray
from golden.window import Pair

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Geometry:
    """Windows of an image, and pools that lie side by side on the results.

    A batch of images has shape (batch, elements), elements by rows, columns, channels; outside of an image is 0.

    Args:
        image: rows and columns.
        channels: of the image.
        kernel: rows and columns of a window, as are ``stride``, the step from one to the next, and ``before``, the
            padding above and left.
        out: rows and columns of results, those behind the last whole pool left out.
        pool: rows and columns of results of which the largest counts; (1, 1) without a pool.
    """

    image: Pair
    channels: int
    kernel: Pair
    stride: Pair
    before: Pair
    out: Pair
    pool: Pair = (1, 1)

    @classmethod
    def of(
        cls, image: Pair, channels: int, kernel: Pair, stride: Pair, before: Pair, out: Pair, pool: Pair = (1, 1)
    ) -> Geometry:
        """With as many of the ``out`` results as whole pools cover.

        Raises:
            ValueError: if there is no whole pool.
        """
        rows, columns = (n // p * p for n, p in zip(out, pool, strict=True))
        if not rows or not columns:
            raise ValueError(f"a pool of {pool[0]} x {pool[1]} is larger than {out[0]} x {out[1]} results")
        return cls(image, channels, kernel, stride, before, (rows, columns), pool)

    @property
    def elements(self) -> int:
        """Of an image."""
        return prod(self.image) * self.channels

    @property
    def taps(self) -> int:
        """Elements of a window: rows, columns, channels."""
        return prod(self.kernel) * self.channels

    @property
    def pooled(self) -> Pair:
        """Rows and columns of what the next layer sees."""
        return self.out[0] // self.pool[0], self.out[1] // self.pool[1]

    @cached_property
    def places(self) -> IntArray:
        """The element of the image that each tap of each result sees, shape (results, taps); -1 outside."""
        rows, columns = (
            np.arange(out)[:, None] * stride + np.arange(kernel) - before
            for out, stride, kernel, before in zip(self.out, self.stride, self.kernel, self.before, strict=True)
        )
        row, column = rows[:, None, :, None], columns[None, :, None, :]
        inside = (row >= 0) & (row < self.image[0]) & (column >= 0) & (column < self.image[1])
        pixel = np.where(inside, row * self.image[1] + column, 0)[..., None]
        place = np.where(inside[..., None], pixel * self.channels + np.arange(self.channels), -1)
        return place.reshape(prod(self.out), self.taps)

    def patches(self, images: Numbers) -> Numbers:
        """What each window sees, shape (batch, results, taps)."""
        images = images.reshape(-1, self.elements)
        return np.append(images, np.zeros((len(images), 1), images.dtype), axis=1)[:, self.places]

    def images(self, patches: Numbers) -> Numbers:
        """What comes back to each element of the image, summed up over the windows that see it: (batch, elements)."""
        sums = np.zeros((self.elements + 1, len(patches)), patches.dtype)
        np.add.at(sums, self.places, patches.transpose(1, 2, 0))
        return sums[:-1].T

    def largest(self, results: Numbers) -> tuple[Numbers, IntArray]:
        """Of each pool the largest, and which of its places has it first.

        Args:
            results: shape (batch, results, channels).

        Returns:
            Both of shape (batch, pooled rows, pooled columns, channels).
        """
        (rows, columns), (down, right) = self.pooled, self.pool
        batch, _, channels = results.shape
        apart = results.reshape(batch, rows, down, columns, right, channels).transpose(0, 1, 3, 2, 4, 5)
        side_by_side = apart.reshape(batch, rows, columns, down * right, channels)
        return side_by_side.max(axis=3), side_by_side.argmax(axis=3)

    def scattered(self, pooled: Numbers, winners: IntArray) -> Numbers:
        """``pooled`` in the places that won, 0 in all others: the shape that ``largest`` takes."""
        (rows, columns), (down, right) = self.pooled, self.pool
        batch, channels = len(pooled), pooled.shape[-1]
        won = winners[..., None, :] == np.arange(down * right)[:, None]
        apart = np.where(won, pooled[..., None, :], 0).reshape(batch, rows, columns, down, right, channels)
        return apart.transpose(0, 1, 3, 2, 4, 5).reshape(batch, prod(self.out), channels)
