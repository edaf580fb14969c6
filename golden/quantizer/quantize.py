"""The public function: arguments and network checked, then stage by stage to a graph."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from golden.graph import Graph
from golden.model import Linear, Sequential
from golden.network import Network
from golden.quantizer.calibration import count, observe
from golden.quantizer.checks import Samples, batches, check_layer_bits, check_layers, checked_batches
from golden.quantizer.lower import lower
from golden.quantizer.lowering import Lowering, Tensor
from golden.quantizer.places import Places
from golden.quantizer.ranges import ranges_of
from golden.quantizer.settings import Settings
from golden.quantizer.stages import activations_first, stages_of


def quantize(
    model: Sequential | Network,
    calibration: Samples,
    bits: int = 8,
    per_channel: bool = True,
    scale: str = "float",
    per_feature: bool = True,
    *,
    weight_bits: int | None = None,
    activation_bits: int | None = None,
    layer_bits: Mapping[str, int | tuple[int, int]] | None = None,
    symmetric: bool = False,
    calibration_method: str = "min-max",
    percentile: float = 99.99,
    bias_correction: bool = True,
) -> Graph:
    """The integer graph of a float model.

    A layer with weights becomes a Dense or Conv, a Relu if one follows, and a Requantize; the others become the ops of
    their names, functions of one element tables, and a SoftMax at the end an Argmax. Batch norms are folded.

    Args:
        model: the layers; ``golden.quantizer.lower`` has those that can be quantized.
        calibration: typical inputs in raw units, shape (samples, \\*shape), or a split of them; for a network of
            several inputs arrays by name. The ranges are theirs.
        bits: width of inputs, weights and activations, 2 to 16, all signed.
        per_channel: one weight scale per output of a Linear or Conv2d rather than one per layer.
        scale: ``"float"``, fixed-point multipliers of up to 17 bits with one shift per layer, or ``"power-of-two"``,
            shifts alone.
        per_feature: one scale per feature rather than one for all, of an input that only Linear layers read.
        weight_bits: width of weights, where it is not ``bits``.
        activation_bits: width of inputs and activations, where it is not ``bits``.
        layer_bits: widths of single layers, by the name of the step (``Network.of(model, shape).steps``): of the
            weights and of the result, as one int for both or as a pair.
        symmetric: zero points of inputs and activations are 0, rather than where the range is used best.
        calibration_method: the range of an activation: ``"min-max"``; ``"percentile"``, without what lies above
            ``percentile`` or below its counterpart; ``"mse"``, with the least mean squared error, also for weights.
            Inputs are always encoded from their smallest to their largest value.
        percentile: above 50, at most 100.
        bias_correction: the mean error that rounding the weights makes is taken back in the bias.

    Returns:
        A graph with encodings for the inputs and every tensor that stands for real numbers, and in ``origins`` the name
        of the float step that a tensor approximates.

    Raises:
        TypeError, ValueError: for arguments or a model that cannot be quantized; a note names the layer.
    """
    places = Places(model)
    with places.noting():
        settings = Settings.checked(
            bits,
            weight_bits,
            activation_bits,
            layer_bits,
            scale,
            calibration_method,
            percentile,
            per_channel=bool(per_channel),
            per_feature=bool(per_feature),
            symmetric=bool(symmetric),
            bias_correction=bool(bias_correction),
        )
        arrays = batches(model, calibration)
        network = places.network(arrays)
    check_layers(network, places)
    with places.noting():
        x = checked_batches(network, arrays)
    network, moved = activations_first(network)
    stages = stages_of(network)
    with places.noting():
        check_layer_bits(network, stages, settings)
    statistics = observe(network, x)
    for name, found in statistics.items():
        with places.noting(name):
            if not np.isfinite([found.low, found.high]).all():
                raise ValueError("the calibration samples give a NaN or an infinity here")
    if settings.method != "min-max":
        count(network, x, statistics)

    into = Lowering(settings, statistics, ranges_of(stages, network, statistics, settings), moved)
    tensors: dict[str, Tensor] = {}
    for name, samples in x.items():
        with places.noting():
            readers = [stage.layer for stage in stages if name in stage.inputs]
            tensors[name] = into.input(name, samples, all(isinstance(layer, Linear) for layer in readers))
    for stage in stages:
        with places.noting(stage.steps[0]):
            tensors[stage.result] = lower(stage.layer, stage, tuple(tensors[name] for name in stage.inputs), into)
    outputs = tuple(tensors[name].name for name in network.outputs)
    return Graph(into.inputs, tuple(into.nodes), outputs, into.encodings, network.classes, into.origins)
