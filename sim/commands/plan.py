"""The verb ``plan``: the hardware of every layer, its cycles, its buffers, and what it takes of a device."""

from __future__ import annotations

from typing import Any

from rtlgen import Plan
from rtlgen.occupancy import peak_rows, room_rows, steady_samples
from rtlgen.timing import OUTPUT
from sim.commands.design_argument import fitted, planned
from sim.commands.model_argument import Model
from sim.commands.printing import say, say_json, say_table, working
from sim.commands.user_error import blame_user
from sim.synthesis.fit import TOLD, advice, check_fit, needed
from sim.synthesis.targets import TARGETS, Target

_COLUMNS = {
    "layer": "left",
    "op": "left",
    "type": "left",
    "engine": "left",
    "outputs x inputs": "right",
    "cycles": "right",
    "multipliers": "right",
    "store bits": "right",
    "buffer bits": "right",
    "rows, at most": "right",
}


def plan(
    model: str,
    multipliers: int | None,
    unrolled: bool,
    latency_intervals: float | None,
    target: str | None,
    json: bool,
) -> None:
    """The hardware of every layer, and the exact cycles."""
    network, device = Model.load(model), TARGETS[target] if target else None
    of_device: dict[str, Any] = {}
    if device is None:
        with working(f"planning {network.name}"):
            chosen = planned(network, multipliers, unrolled, latency_intervals)
    else:
        design = fitted(network, multipliers, unrolled, device, latency_intervals)
        chosen, needs = design.plan, needed(design, device)
        with blame_user(f"MODEL {model!r}"):
            check_fit(design.name, device, needs, lambda counts: advice(design, device, counts))
        of_device = {"target": device.name, "needs": needs, "available": dict(device.available)}
    content = {"name": network.name, **chosen.as_json(), **_described(chosen), **of_device}
    if json:
        say_json(content)
    else:
        _print(chosen, content, device)


def _described(chosen: Plan) -> dict[str, Any]:
    """The layers with their ops, types and buffers, and the FIFO of the output."""
    graph, room = chosen.live.graph, room_rows(chosen)
    peak = peak_rows(chosen, steady_samples(chosen))

    def buffers(layer: str) -> list[dict[str, int]]:
        return [{"rows": room[key], "peak_rows": peak[key]} for key in sorted(room) if key[0] == layer]

    layers = []
    for layer in chosen.as_json()["layers"]:
        name = layer["layer"]
        kind = {"op": type(graph.node(name).op).__name__, "type": str(graph.types[name])}
        layers.append({**kind, **layer, "buffers": buffers(name)})
    return {"layers": layers, "output_buffer": buffers(OUTPUT)[0]}


def _print(chosen: Plan, content: dict[str, Any], device: Target | None) -> None:
    graph, layers = chosen.live.graph, content["layers"]
    rows = []
    for layer in layers:
        folding = f"{layer['outputs']} x {layer['inputs']}" if layer["outputs"] else ""
        full = ", ".join(f"{buffer['peak_rows']} of {buffer['rows']}" for buffer in layer["buffers"])
        numbers = [layer[name] for name in ("ii_cycles", "multipliers", "store_bits", "buffer_bits")]
        rows.append([*(layer[name] for name in ("layer", "op", "type", "engine")), folding, *numbers, full])
    say(f"{content['name']}: {graph.input_type} -> {graph.output_type}, {chosen.macs} MACs a sample\n")
    say_table(_COLUMNS, rows)
    dead = [f"{layer['dead_channels']} of {layer['layer']}" for layer in layers if layer["dead_channels"]]
    if dead:
        say(f"\nwithout dead channels: {', '.join(dead)}; {chosen.live_macs} MACs are left")
    budget = "" if chosen.budget is None else f" of {chosen.budget}"
    say(f"\nii_cycles       {chosen.ii_cycles}")
    say(f"latency_cycles  {chosen.latency_cycles}")
    say(f"multipliers     {chosen.multipliers}{budget}")
    say(f"utilisation     {chosen.utilisation:.1%}")
    if device is not None:
        needs, there = content["needs"], device.available
        exact = [f"{needs[name]:,} of {there[name]:,} {TOLD[name]}" for name in ("multiplier", "block_ram")]
        say(f"{device.name:<15} {', '.join(exact)}, about {needs['lut']:,} of {there['lut']:,} LUTs")
