"""What ways of quantization cost in accuracy: the built-in networks on their whole test sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from golden.accuracy import accuracy
from golden.zoo.entry import Entry, load

_FOUR_BITS = "4-bit weights"
_SETTINGS: dict[str, dict[str, Any]] = {
    "int8": {},
    "percentile": {"calibration_method": "percentile"},
    "least squares": {"calibration_method": "mse"},
    "int8 per tensor": {"per_channel": False},
    "powers of two": {"scale": "power-of-two"},
    _FOUR_BITS: {"weight_bits": 4},
    "4 bits in all layers": {"weight_bits": 4},
}
WAYS = tuple(_SETTINGS)


def settings(entry: Entry, way: str) -> dict[str, Any]:
    """The arguments of ``quantize`` for one of ``WAYS``; inputs and activations have 8 bits throughout.

    ``int8`` has the ranges that activations reach (min-max); ``percentile`` leaves out their ends, ``least squares``
    (``mse``) has the smallest mean squared error. With ``4-bit weights`` those of the first and the last layer keep 8:
    they are few, and nothing before or after them makes up for their errors. Of two layers only the last one does, or
    there would be none with 4.
    """
    steps = entry.weighted_steps
    ends = (steps[0], steps[-1]) if len(steps) > 2 else steps[-1:]
    return _SETTINGS[way] | ({"layer_bits": dict.fromkeys(ends, 8)} if way == _FOUR_BITS else {})


def measured(entry: Entry, way: str) -> float:
    """Accuracy of the network quantized that way, on the whole test set, 0 to 1."""
    return accuracy(entry.quantized(**settings(entry, way)), entry.dataset["test"])


def study(names: Iterable[str]) -> str:
    """The table in Markdown: accuracy in float, and by every way of quantization with the points that it loses."""
    lines = [f"| network | float | {' | '.join(WAYS)} |", f"|---|--:|{'--:|' * len(WAYS)}"]
    for name in names:
        entry = load(name)
        real = entry.float_accuracy
        cells = [f"{value:.2%} ({100 * (value - real):+.2f})" for value in (measured(entry, way) for way in WAYS)]
        lines.append(f"| {name} | {real:.2%} | {' | '.join(cells)} |")
    return "\n".join(lines)
