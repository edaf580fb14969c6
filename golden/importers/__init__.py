"""Networks trained elsewhere, one file per framework."""

from golden.importers.sklearn import from_sklearn

__all__ = ["from_sklearn"]
