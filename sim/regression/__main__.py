"""``python -m sim.regression``."""

import sys

from sim.regression.regress import main

if __name__ == "__main__":
    sys.exit(main())
