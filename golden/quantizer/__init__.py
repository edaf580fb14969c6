"""From float networks to graphs of integers, by what calibration samples do.

``quantize`` checks the arguments and goes through the parts in this order: ``stages`` (batch norms folded, activations
joined to what they follow), ``calibration`` (ranges and means of all tensors), ``scales`` (encodings, multipliers),
``weights``, and ``lower`` (integer ops, one function per class of layer).
"""

from golden.quantizer.quantize import quantize
from golden.quantizer.settings import METHODS, SCALES

__all__ = ["METHODS", "SCALES", "quantize"]
