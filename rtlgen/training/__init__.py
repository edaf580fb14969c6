"""Hardware that trains: ``generate_trainer``."""

from rtlgen.training.trainer import TrainerDesign, generate_trainer

__all__ = ["TrainerDesign", "generate_trainer"]
