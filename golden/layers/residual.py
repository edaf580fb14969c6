"""A residual connection as one layer of a Sequential."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from golden.types import FloatArray


class Residual:
    """``y = body(x) + shortcut(x)``; without layers the shortcut is ``x`` itself (He et al. 2016).

    Args:
        body: layers, one after the other.
        shortcut: likewise, such as a 1 x 1 convolution where the body changes the shape.

    Raises:
        ValueError: without layers in the body.
    """

    def __init__(self, body: Iterable[Callable[..., Any]], shortcut: Iterable[Callable[..., Any]] = ()) -> None:
        self.body, self.shortcut = tuple(body), tuple(shortcut)
        if not self.body:
            raise ValueError("Residual needs at least one layer in its body")
        for layer in (*self.body, *self.shortcut):
            if not callable(layer) or isinstance(layer, type):
                raise TypeError(f"a layer must be a layer object such as ReLU(), not {layer!r}")

    def parameters(self) -> list[FloatArray]:
        """The arrays of all layers that have some, the body's first; the arrays themselves, not copies."""
        layers = (layer for layer in (*self.body, *self.shortcut) if hasattr(layer, "parameters"))
        return [array for layer in layers for array in layer.parameters()]

    def __call__(self, x: FloatArray) -> FloatArray:
        a = b = x
        for layer in self.body:
            a = layer(a)
        for layer in self.shortcut:
            b = layer(b)
        if a.shape != b.shape:
            raise ValueError(f"the body of Residual gives {a.shape}, its shortcut {b.shape}: they must be equal")
        return np.asarray(a + b, dtype=np.float64)

    def __repr__(self) -> str:
        lists = [f"[{', '.join(map(repr, layers))}]" for layers in (self.body, self.shortcut) if layers]
        return f"Residual({', '.join(lists)})"
