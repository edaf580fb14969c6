"""Run it: simulators, verification, regression, reports, and the command line."""

from sim.cocotb_launcher import PATTERNS
from sim.difference import Difference, VerificationError
from sim.simulator import Run, Simulator
from sim.tools import ToolError
from sim.verify import Verification, verify

__all__ = ["PATTERNS", "Difference", "Run", "Simulator", "ToolError", "Verification", "VerificationError", "verify"]
