"""Pages from templates: everything inside, nothing loaded from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """The page that a template of this folder makes of ``values``."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"memory": _memory, "seconds": _seconds, "percent": _percent, "path": quote}
    return environment.get_template(template).render(**values)


def _memory(bits: int) -> str:
    if not bits:
        return "none"
    return f"{bits / 8192:.1f} KiB" if bits >= 8192 else f"{bits / 8:,.0f} B"


def _seconds(time_s: float) -> str:
    return f"{time_s:.1f} s" if time_s < 120 else f"{time_s / 60:.1f} min"


def _percent(share: float) -> str:
    return f"{share:.1%}"
