"""What the verbs of the command line do: their arguments, their work, their words. The way in is ``sim.cli``."""
