"""Published int8 models beside the repository, and the interpreters that golden is held against."""

from pathlib import Path

import numpy as np
import pytest

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
    """Outputs of TensorFlow Lite Micro, one sample at a time, and with ``tensors`` also those of the file, by index."""
    runtime = pytest.importorskip(
        "tflite_micro.python.tflite_micro.runtime",
        reason="TensorFlow Lite Micro is not there: pip install tflite-micro",
    )
    config = runtime.InterpreterConfig
    interpreter = runtime.Interpreter.from_file(
        str(path), intrepreter_config=config.kPreserveAllTensors if tensors else config.kAllocationRecording
    )
    outputs, seen = [], {index: [] for index in tensors}
    for sample in x:
        interpreter.set_input(sample[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
        for index in tensors:
            seen[index].append(interpreter.GetTensor(index, 0)["tensor_data"][0].copy())
    return np.array(outputs), {index: np.array(values) for index, values in seen.items()}


def litert(path, x):
    """Outputs of TensorFlow Lite (XNNPACK), one sample at a time."""
    interpreter = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="TensorFlow Lite is not there: pip install ai-edge-litert"
    ).Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    outputs = []
    for sample in x:
        interpreter.set_tensor(source["index"], sample[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(result["index"])[0].copy())
    return np.array(outputs)
