"""How features become the int8 inputs of training, on the host."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from golden.encoding import Encoding

SCALINGS = {"pixels": 7, "standardise": 5}
"""Fraction bits of the inputs by the way of scaling."""


def features_encoding(x: npt.ArrayLike, scaling: str) -> Encoding:
    """The encoding of features like ``x``, shape (samples, features).

    ``pixels``: from 0 on, the largest of all becomes 127. ``standardise``: ``32 (x - mean) / std`` by feature; one that
    never varies stays 0.

    Raises:
        ValueError: for another scaling, another shape, no samples, values that are not finite, or negative pixels.
    """
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(SCALINGS)}, not {scaling!r}")
    real = np.asarray(x, dtype=np.float64)
    if real.ndim != 2 or not real.size:
        raise ValueError(f"features to scale by must have shape (samples, features), not {real.shape}")
    if not np.all(np.isfinite(real)):
        raise ValueError("features to scale by must be finite, there is a NaN or an infinity among them")
    if scaling == "pixels":
        if real.min() < 0 or real.max() <= 0:
            raise ValueError(f"pixels must be 0 or more, and one more; they are {real.min():g} to {real.max():g}")
        return Encoding(np.array(real.max() / 127), np.array(0))
    mean, std = real.mean(axis=0), real.std(axis=0)
    scale = np.where(std > 0, std, 1.0) * 2.0 ** -SCALINGS[scaling]
    return Encoding(scale, -np.rint(mean / scale))
