"""Built-in networks for data sets that come with packages: float weights, shipped, and the graphs made of them.

``python -m golden.zoo`` trains them anew and rewrites ``golden/weights``.
"""

from golden.zoo.entry import NAMES, Entry, load, untrained
from golden.zoo.training import train
from golden.zoo.weights import WEIGHTS

__all__ = ["NAMES", "WEIGHTS", "Entry", "load", "train", "untrained"]
