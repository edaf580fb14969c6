"""The simulators behind one interface, and the launcher of the cocotb testbench."""
