"""What quantization cannot do, found before it begins and said in full."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from golden.data import Dataset, Split
from golden.layers import BatchNorm2d, LeakyReLU, ReLU6, Sigmoid, Tanh
from golden.model import Linear, ReLU, Sequential, SoftMax
from golden.network import Network
from golden.quantizer.lower import supported
from golden.quantizer.places import Places
from golden.quantizer.settings import Settings
from golden.quantizer.stages import Stage
from golden.types import FloatArray

Samples = npt.ArrayLike | Split | Mapping[str, npt.ArrayLike]

_FUNCTIONS = ReLU | ReLU6 | Sigmoid | Tanh | LeakyReLU | SoftMax


def batches(model: Sequential | Network, calibration: Samples) -> dict[str, FloatArray]:
    """Calibration samples by name of input.

    Raises:
        TypeError: for a Dataset, of which it is not said which split.
        ValueError: where the first layer shows already that the shape is wrong.
    """
    if isinstance(calibration, Dataset):
        raise TypeError(f"calibration must be one split of the Dataset, by name: {', '.join(map(repr, calibration))}")
    if isinstance(calibration, Mapping):
        return {name: np.asarray(x, dtype=np.float64) for name, x in calibration.items()}
    x = np.asarray(calibration.x if isinstance(calibration, Split) else calibration, dtype=np.float64)
    if isinstance(model, Network):
        if len(model.inputs) != 1:
            raise ValueError(f"calibration must have samples for each input by name: {', '.join(model.inputs)}")
        return {next(iter(model.inputs)): x}
    first = model.layers[0]
    if isinstance(first, Linear) and x.shape[1:] != (first.in_features,):
        raise ValueError(f"calibration must have shape (samples, {first.in_features}), not {x.shape}")
    if x.ndim < 2:
        raise ValueError(f"calibration must have shape (samples, ...), not {x.shape}")
    return {"x": x}


def checked_batches(network: Network, arrays: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """``arrays`` in the order of the inputs; raises ValueError unless they are batches of them, finite, not empty."""
    if set(arrays) != set(network.inputs):
        raise ValueError(f"calibration must have the inputs {', '.join(network.inputs)}, not {', '.join(arrays)}")
    for name, shape in network.inputs.items():
        x, what = arrays[name], "calibration" if len(arrays) == 1 else f"calibration of the input {name!r}"
        if x.ndim != len(shape) + 1 or x.shape[1:] != shape:
            raise ValueError(f"{what} must have shape ({', '.join(['samples', *map(str, shape)])}), not {x.shape}")
        if not len(x):
            raise ValueError(f"{what} needs at least one sample")
        if not np.all(np.isfinite(x)):
            place = tuple(int(index) for index in np.argwhere(~np.isfinite(x))[0, 1:])
            raise ValueError(f"{what} has a NaN or an infinity in feature {place[0] if len(place) == 1 else place}")
    if len({len(x) for x in arrays.values()}) > 1:
        sizes = ", ".join(f"{len(x)} of {name}" for name, x in arrays.items())
        raise ValueError(f"calibration must have as many samples of every input, not {sizes}")
    return {name: arrays[name] for name in network.inputs}


def check_layers(network: Network, places: Places) -> None:
    """Raises ValueError for layers that cannot be quantized, all of them at once, or weights that are not finite."""
    known = {BatchNorm2d, *supported()}
    unknown = [step for step in network.steps if type(step.layer) not in known]
    if unknown:
        # As in: a Dropout and a function cannot be quantized.
        names = [f"a {type(step.layer).__name__}" for step in unknown]
        listed = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
        can = sorted(kind.__name__ for kind in known)
        error = ValueError(f"{listed} cannot be quantized, {', '.join(can[:-1])} and {can[-1]} can")
        for step in unknown:
            places.placed(error, step.name)
        raise error
    read = {name for step in network.steps for name in step.inputs}
    for step in network.steps:
        with places.noting(step.name):
            if isinstance(step.layer, SoftMax) and step.name in read:
                raise ValueError("a SoftMax must be the last layer")
            if isinstance(step.layer, _FUNCTIONS) and step.inputs[0] in network.inputs:
                raise ValueError("a model to quantize must begin with a Linear or a Conv2d, not with an activation")
            arrays = step.layer.parameters() if hasattr(step.layer, "parameters") else []
            if not all(np.all(np.isfinite(array)) for array in arrays):
                raise ValueError("a weight or bias is NaN or infinite")


def check_layer_bits(network: Network, stages: list[Stage], settings: Settings) -> None:
    """Raises ValueError for bits of a layer that is not there, or that has none of its own."""
    known = [step.name for step in network.steps]
    own = {name for stage in stages if not stage.moves and not isinstance(stage.layer, SoftMax) for name in stage.steps}
    for name in settings.layer_bits:
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            suggestion = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"layer_bits has the unknown layer {name!r}, there are {', '.join(known)}{suggestion}")
        if name not in own:
            raise ValueError(f"layer_bits cannot be given for {name!r}: it has the bits of the layer before it")
