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
        geometry: where sums look; of a dense layer one place, and its inputs as channels.
        outputs: of a dense layer, or channels; in ``blocks`` of lanes.
        lanes: master weights a word.
    """

    geometry: Geometry
    outputs: int
    lanes: int

    @classmethod
    def dense(cls, inputs: int, outputs: int, lanes: int) -> LayerShape:
        """Of a dense layer."""
        return cls(Geometry((1, 1), inputs, (1, 1), (1, 1), (0, 0), (1, 1)), outputs, lanes)

    @classmethod
    def of(cls, layer: TrainedLayer, lanes: int) -> LayerShape:
        """Of a layer of the golden trainer."""
        if isinstance(layer, TrainedConv):
            return cls(layer.geometry, layer.outputs, lanes)
        return cls.dense(layer.features, layer.outputs, lanes)

    @property
    def is_dense(self) -> bool:
        """Whether it has one place, which sees all inputs: they may be an image, made flat."""
        g = self.geometry
        return g.image == g.kernel == g.out == (1, 1)

    @property
    def columns(self) -> int:
        """Words of a block: taps, and the bias as the last one."""
        return self.geometry.taps + 1

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
        return self.geometry.elements

    @property
    def has_pools(self) -> bool:
        """Whether not all sums are results."""
        return self.geometry.pool != (1, 1)

    @property
    def places(self) -> int:
        """Of results, each of ``outputs``: behind the pools."""
        return prod(self.geometry.pooled)

    @property
    def results(self) -> int:
        """Bytes that go out."""
        return self.places * self.outputs

    @property
    def result_words(self) -> int:
        """Words of lanes that they are."""
        return self.places * self.blocks

    @property
    def sums(self) -> int:
        """Of each output, before the pools."""
        return prod(self.geometry.out)

    @property
    def sum_words(self) -> int:
        """Words of lanes that they are."""
        return self.sums * self.blocks
