"""Imports damaged ONNX files for a while, under a limit of memory, and prints what came of them.

Example: ``python tests/fuzz_onnx.py --time 5m --seed 1``. Files that do not end in a clear error, or in a network that
runs, are kept under the folder of ``--keep``; their number is the exit status (at most 100).
"""

from fuzz_tflite import campaign
from onnx_mutations import attempt, mutated, seeds

if __name__ == "__main__":
    campaign(__doc__.splitlines()[0], seeds(), mutated, attempt, ".onnx")
