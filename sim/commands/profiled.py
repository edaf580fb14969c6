"""What ``tensorgate profile`` profiles: a graph against its float network, or against itself without rounding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import golden as gold
from golden.network import Network
from golden.profiling import Profile
from golden.types import FloatArray
from sim.commands.model_argument import Model, available
from sim.commands.module_name import module_name
from sim.commands.user_error import blame_user, one_line


def profiled(argument: str, count: int, seed: int, file: Path | None, arithmetic: str | None) -> tuple[Model, Profile]:
    """The network of a MODEL argument and its profile on up to ``count`` samples.

    A float network in an ONNX file is quantized here, calibrated on the floats in ``file``, and measured with them. All
    other networks take samples as ``Model.samples`` does.

    Raises:
        UserError: for what cannot be read or does not fit.
    """
    network = _float_network(argument)
    if network is None:
        model = Model.load(argument, arithmetic)
        return model, model.profile(count, seed, file)
    with blame_user(f"MODEL {argument!r}"):
        if file is None:
            raise ValueError(
                "holds a float network: --input must be an npy file of floats, which its int8 network is calibrated on "
                "and measured with"
            )
        if arithmetic is not None:
            raise ValueError("holds a float network, which is quantized here: --arithmetic is for integer networks")
        if len(network.inputs) != 1:
            raise ValueError(f"must have one input to be profiled, not {', '.join(network.inputs)}")
    (shape,) = network.inputs.values()
    x = _floats(file, shape)
    with blame_user(f"MODEL {argument!r}"):
        graph = gold.quantize(network, calibration=x)
    x = x[: available(count, len(x), f"in {str(file)!r}")]
    return Model(argument, module_name(Path(argument).stem), graph), gold.profile(graph, graph.encode(x), network, x)


def _float_network(argument: str) -> Network | None:
    path = Path(argument)
    if path.suffix.lower() != ".onnx" or not path.is_file():
        return None
    with blame_user("MODEL"):
        network = gold.from_onnx(path)
    return network if isinstance(network, Network) else None


def _floats(path: Path, shape: tuple[int, ...]) -> FloatArray:
    expected = f"({', '.join(['batch', *map(str, shape)])})"
    with blame_user(f"--input {str(path)!r}"):
        try:
            with path.open("rb") as file:
                x = np.lib.format.read_array(file, allow_pickle=False)
        except OSError:
            raise
        except Exception as error:  # numpy lets the errors of Python's parser through
            raise ValueError(f"must be an npy file of floats {expected}: {one_line(error)}") from error
        if x.dtype.kind != "f" or x.shape[1:] != shape or x.ndim != len(shape) + 1 or not len(x):
            raise ValueError(f"must hold floats of shape {expected}, at least one sample, not {x.dtype} {x.shape}")
        return np.asarray(x, dtype=np.float64)
