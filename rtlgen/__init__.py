"""Hardware for quantized networks: PyRTL blocks, exact plans, Verilog."""

from rtlgen.design import Design, generate
from rtlgen.plan import Plan, plan
from rtlgen.tensor import HDLTensor

__all__ = ["Design", "HDLTensor", "Plan", "generate", "plan"]
