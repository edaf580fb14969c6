"""What a layer is to a trainer: its weights in words, its images in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from golden.trainer.conv import TrainedConv
from golden.trainer.geometry import Geometry
from golden.trainer.layer import TrainedLayer


@dataclass(frozen=True)
class LayerShape:
    """A layer of weighted sums.

    Args:
        inputs: of a sum, without the bias.
        outputs: of a dense layer, or channels; in ``blocks`` of lanes.
        lanes: master weights a word.
        geometry: of a convolution; None for a dense layer.
    """

    inputs: int
    outputs: int
    lanes: int
    geometry: Geometry | None = None

    @classmethod
    def of(cls, layer: TrainedLayer, lanes: int) -> LayerShape:
        """Of a layer of the golden trainer."""
        geometry = layer.geometry if isinstance(layer, TrainedConv) else None
        return cls(layer.weight.shape[1] - 1, layer.outputs, lanes, geometry)

    @property
    def columns(self) -> int:
        """Words of a block: the bias is the last one."""
        return self.inputs + 1

    @property
    def blocks(self) -> int:
        """Of rows."""
        return -(-self.outputs // self.lanes)

    @property
    def words(self) -> int:
        """Of the weight memory."""
        return self.blocks * self.columns

    @property
    def features(self) -> int:
        """Bytes that come in."""
        return self.geometry.elements if self.geometry else self.inputs

    @property
    def has_pools(self) -> bool:
        """Whether not all sums are results."""
        return self.geometry is not None and self.geometry.pool != (1, 1)

    @property
    def places(self) -> int:
        """Of results, each of ``outputs``: behind the pools."""
        return prod(self.geometry.pooled) if self.geometry else 1

    @property
    def results(self) -> int:
        """Bytes that go out."""
        return self.places * self.outputs

    @property
    def result_words(self) -> int:
        """Words of lanes that they are."""
        return self.places * self.blocks

    @property
    def sum_words(self) -> int:
        """The same of all sums, before the pools."""
        return prod(self.geometry.out) * self.blocks if self.geometry else self.blocks
