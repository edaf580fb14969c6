"""Try to break it: cocotb drivers, monitors, scoreboard and testbench for a design with a port description."""
