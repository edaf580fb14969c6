"""A time on the command line: ``90s``, ``10m``, ``1h``."""

from __future__ import annotations

import re

import click

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on
    """Seconds, from a number with a unit; without one it counts seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds, or click's error."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
        if not seconds:
            self.fail(f"must be a time above zero such as 90s, 10m or 1h, not {value!r}", param, ctx)
        return seconds
