"""Integer-only training: what a trainer in hardware computes, exactly."""

from golden.trainer.trainer import Epoch, IntegerTrainer, Step

__all__ = ["Epoch", "IntegerTrainer", "Step"]
