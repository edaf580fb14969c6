"""What the verbs of the command line do: their arguments, their work, their words. The verbs are in ``sim.cli``."""
