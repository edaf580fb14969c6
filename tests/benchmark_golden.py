"""How fast golden executes published models on one core, beside the interpreters that it is equal to.

Run as ``python tests/benchmark_golden.py``. It prints inferences per second of processor time, which other programs on
the machine disturb little, and golden's share of each interpreter's. The interpreters take a sample at a time, golden
a batch.
"""

import os
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[threads] = "1"  # before numpy is imported

import numpy as np  # noqa: E402
from tflite_models import FOLDER, litert, micro, noise  # noqa: E402

import golden  # noqa: E402

TARGETS = {"kws_ref_model": 300, "pretrainedResnet_quant": 100}
"""Inferences per second that golden has to reach, by model."""
ROUNDS = 3


def rate(run, count):
    """Inferences per second of processor time, of the best round."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return count / min(seconds)


def main():
    print(
        f"{'model':24}{'golden/s':>10}{'target':>8}{'tflite-micro/s':>16}{'ratio':>7}{'ai-edge-litert/s':>18}{'ratio':>7}"
    )
    for name, target in TARGETS.items():
        path = FOLDER / f"{name}.tflite"
        if not path.exists():
            raise SystemExit(f"the published models are not there: {FOLDER}")
        graph = golden.from_tflite(path)
        x = noise(graph, 256, seed=0)
        few = x[:32]
        np.testing.assert_array_equal(graph(few), micro(path, few)[0])
        own = rate(lambda graph=graph, x=x: graph(x), len(x))
        rates = [rate(lambda run=run, path=path, few=few: run(path, few), len(few)) for run in (micro, litert)]
        columns = "".join(
            f"{other:>{width}.0f}{own / other:>7.2f}" for other, width in zip(rates, (16, 18), strict=True)
        )
        print(f"{name:24}{own:>10.0f}{target:>8}{columns}")


if __name__ == "__main__":
    main()
