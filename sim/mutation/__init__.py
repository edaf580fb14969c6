"""Mutation testing: faults injected into the emitted Verilog, and which of them the testbench finds."""
