"""Published int8 models beside the repository, and the interpreters that golden is held against."""

from pathlib import Path

import numpy as np
import pytest

from sim.regression import runtimes

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "models"
NAMES = ("hello_world_int8", "micro_speech_quantized", "ad01_int8", "kws_ref_model", "pretrainedResnet_quant")


def model(name):
    """The path of a published model; skips the test where the folder is absent."""
    path = FOLDER / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"the published models are not there: no folder {FOLDER.parent.name}/{FOLDER.name} beside this one")
    return path


def noise(graph, count, seed):
    """Uniform inputs of a graph, int8."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *graph.input_type.shape)).astype(np.int8)


def micro(path, x, tensors=()):
    """As ``runtimes.micro``; skips the test where TensorFlow Lite Micro is not there."""
    needed(runtimes.MICRO)
    return runtimes.micro(path, x, tensors)


def litert(path, x):
    """As ``runtimes.litert``; skips the test where TensorFlow Lite is not there."""
    needed(runtimes.LITERT)
    return runtimes.litert(path, x)


def needed(package):
    """Skips the test where a runtime is not there."""
    try:
        runtimes.runtime(package)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
