"""Hardware for quantized networks: PyRTL blocks, exact plans, Verilog."""

from rtlgen.design import Design, generate
from rtlgen.plan import Plan, ops_without_hardware, plan
from rtlgen.tensor import HDLTensor

__all__ = ["Design", "HDLTensor", "Plan", "generate", "ops_without_hardware", "plan"]
