"""Random networks: drawn so that they shrink, checked against every witness, kept when they fail."""
