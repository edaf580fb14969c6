"""Hardware for quantized networks: PyRTL blocks, exact plans, Verilog."""

from rtlgen.design import Design, generate
from rtlgen.plan import Plan, ops_without_hardware, plan
from rtlgen.tensor import HDLTensor
from rtlgen.training import TrainerDesign, generate_trainer

__all__ = [
    "Design",
    "HDLTensor",
    "Plan",
    "TrainerDesign",
    "generate",
    "generate_trainer",
    "ops_without_hardware",
    "plan",
]
