"""What happens to images after a network has been deployed: the camera is turned, the light is another one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from golden.types import FloatArray

Drift = Callable[[FloatArray, tuple[int, int]], FloatArray]


def _rotation(x: FloatArray, image: tuple[int, int]) -> FloatArray:
    """By 30 degrees about the centre, with straight lines between pixels; black comes in."""
    rows, columns = image
    y0, x0 = (rows - 1) / 2, (columns - 1) / 2
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    down, right = np.mgrid[:rows, :columns]
    source_y = cosine * (down - y0) + sine * (right - x0) + y0
    source_x = -sine * (down - y0) + cosine * (right - x0) + x0
    padded = np.pad(x.reshape(-1, rows, columns), ((0, 0), (2, 2), (2, 2)))
    source_y, source_x = (np.clip(v, -1, n) + 2 for v, n in ((source_y, rows), (source_x, columns)))
    top, left = np.floor(source_y).astype(int), np.floor(source_x).astype(int)
    part_y, part_x = source_y - top, source_x - left
    above = padded[:, top, left] * (1 - part_x) + padded[:, top, left + 1] * part_x
    below = padded[:, top + 1, left] * (1 - part_x) + padded[:, top + 1, left + 1] * part_x
    turned: FloatArray = (above * (1 - part_y) + below * part_y).reshape(x.shape)
    return turned


def _contrast(x: FloatArray, image: tuple[int, int]) -> FloatArray:
    """Half of the contrast, and black is no longer black."""
    faded: FloatArray = 0.5 * x + 0.15 * x.max()
    return faded


def _mirror(x: FloatArray, image: tuple[int, int]) -> FloatArray:
    """Left and right are exchanged."""
    return np.ascontiguousarray(x.reshape(-1, *image)[:, :, ::-1]).reshape(x.shape)


DRIFTS: dict[str, Drift] = {"contrast": _contrast, "mirror": _mirror, "rotation": _rotation}
"""By name: images, shape (samples, pixels), with their rows and columns, to images of the same shape."""


def drifted(x: npt.ArrayLike, image: tuple[int, int] | None, drift: str) -> FloatArray:
    """Images after something has changed.

    Args:
        x: shape (samples, pixels), from 0 on.
        image: rows and columns.
        drift: one of ``DRIFTS``.

    Raises:
        ValueError: for another drift, or samples that are no images.
    """
    if drift not in DRIFTS:
        raise ValueError(f"a drift must be one of {', '.join(DRIFTS)}, not {drift!r}")
    if image is None:
        raise ValueError(f"only images can drift by {drift}, and the samples of this task are none")
    return DRIFTS[drift](np.asarray(x, dtype=np.float64), image)
