"""From the emitted Verilog to a device: yosys and nextpnr, what they made of it, and whether that is what was planned.

A file for each external tool, and the devices as a table in ``targets``.
"""
