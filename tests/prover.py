"""The mark of tests that need the prover."""

import os
import shutil

import pytest

from sim.formal.prover import ABC
from sim.tools import TOOLS

# The hosted integration has to have it: there nothing is skipped, and what needs it fails.
NEEDS_ABC = pytest.mark.skipif(
    shutil.which(ABC) is None and "GITHUB_ACTIONS" not in os.environ, reason=f"needs {ABC}: {TOOLS[ABC]}"
)
