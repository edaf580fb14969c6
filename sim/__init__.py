"""Run it: simulators, verification, regression, reports, and the command line."""

from sim.difference import Difference, VerificationError
from sim.figures import draw_quantization
from sim.simulators.cocotb_launcher import PATTERNS
from sim.simulators.simulator import Run, Simulator
from sim.tools import ToolError
from sim.verify import Verification, verify

__all__ = [
    "PATTERNS",
    "Difference",
    "Run",
    "Simulator",
    "ToolError",
    "Verification",
    "VerificationError",
    "draw_quantization",
    "verify",
]
