"""Trainers in simulation: held against golden step by step, and whole runs of training in emitted Verilog."""

from sim.training.verification import TrainingRun, replay_pins, verify_training

__all__ = ["TrainingRun", "replay_pins", "verify_training"]
