"""The mark of tests that need the prover."""

import shutil

import pytest

from sim.formal.prover import ABC
from sim.tools import TOOLS

NEEDS_ABC = pytest.mark.skipif(shutil.which(ABC) is None, reason=f"needs {ABC}: {TOOLS[ABC]}")
