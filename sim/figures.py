"""The drawings of the report, and those that a user draws of data of their own.

``draw_quantization(histograms, path)`` writes the picture of one feature before and after quantization::

    data = golden.load_iris(seed=0)
    quantize = golden.QuantizeTransform(bits=8).fit(data)
    sim.draw_quantization(quantize.histograms(data, "sepal length (cm)"), "sepal_length.svg")
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from golden.data import Histograms
from golden.serialize import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"ink": "#1f2430", "muted": "#667085", "line": "#d5d9e0", "real": "#c2621b", "integer": "#0f766e"}
"""On paper. In a page, each is the CSS variable of its name, so that the drawing follows light and dark."""
WIDTH_INCHES = 3.6
"""Of a single drawing: a phone shows it at full size."""


@dataclass(frozen=True)
class Drawing:
    """A drawing to put into a page.

    Args:
        svg: an element without identifiers, addresses or fixed colours.
        alt: what it shows, for who cannot see it.
    """

    svg: str
    alt: str


def draw_quantization(histograms: Histograms, path: str | Path) -> Path:
    """Write the histograms of a feature, real numbers above and integers below, to a ``.svg`` or ``.png`` file.

    Args:
        histograms: of ``golden.QuantizeTransform.histograms``.
        path: what to write; the suffix says which format.

    Raises:
        ValueError: for another suffix.
        FileNotFoundError: where there is no such folder.
    """
    counts = {name: getattr(histograms, name).tolist() for name in _HISTOGRAM_FIELDS}
    with _style():
        return _write(_quantization({"feature": histograms.feature, **counts}), Path(path))


def _write(figure: Figure, path: Path) -> Path:
    if path.suffix not in (".svg", ".png"):
        raise ValueError(f"a drawing must be a .svg or .png file, not {path.name!r}")
    target = io.BytesIO()
    date = {"Date": None} if path.suffix == ".svg" else {}
    figure.savefig(target, format=path.suffix[1:], dpi=200, facecolor="white", metadata=date)
    write_atomically(path, target.getvalue())
    return path


def draw_learning_curve(course: Mapping[str, Any], path: str | Path) -> Path:
    """Write the accuracies after each epoch, in integers and in floats, to a ``.svg`` or ``.png`` file.

    Args:
        course: of ``sim.training.course.as_plain``.
        path: what to write; the suffix says which format.

    Raises:
        ValueError: for another suffix.
        FileNotFoundError: where there is no such folder.
    """
    with _style():
        return _write(_learning_curve(course), Path(path))


def learning_curve(course: Mapping[str, Any]) -> Drawing:
    """The same for a page."""
    epochs = course["epochs"]
    alt = (
        f"Accuracy of {course['task']} on the test split after each of {len(epochs)} epochs: in integers it ends at "
        f"{epochs[-1]['test_accuracy']:.1%}, in floats at {epochs[-1]['float_test_accuracy']:.1%}"
    )
    with _style():
        return _drawing(_learning_curve(course), alt)


def _learning_curve(course: Mapping[str, Any]) -> Figure:
    figure, (axes,) = _figure(1, 1.9)
    epochs, start = course["epochs"], list(course["before"].values())[-1]
    for key, colour, name in (("float_test_accuracy", "real", "floats"), ("test_accuracy", "integer", "integers")):
        reached = [100 * epoch[key] for epoch in epochs]
        axes.plot(range(len(epochs) + 1), [100 * start, *reached], color=COLOURS[colour], linewidth=1.5, label=name)
    axes.set_title("accuracy on the test split, in percent, by epoch", loc="left")
    axes.set_xlim(0, len(epochs))
    axes.locator_params(axis="x", nbins=5, integer=True)
    axes.yaxis.set_visible(True)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_ylim(0, 102)
    axes.tick_params(axis="y", length=0, labelsize=7, labelcolor=COLOURS["muted"])
    axes.grid(axis="y", color=COLOURS["line"], linewidth=0.5)
    axes.legend(loc="lower right", frameon=False, labelcolor=COLOURS["ink"], fontsize=8)
    return figure


_HISTOGRAM_FIELDS = ("counts_before", "edges_before", "counts_after", "edges_after")


def quantization(histograms: Mapping[str, Any]) -> Drawing:
    """One feature before and after quantization, from plain values."""
    low, high = histograms["edges_before"][0], histograms["edges_before"][-1]
    first, last = histograms["edges_after"][0], histograms["edges_after"][-1]
    alt = (
        f"Two histograms of {histograms['feature']}: real numbers from {low:.4g} to {high:.4g} above, "
        f"the integers {first:.0f} to {last:.0f} that stand for them below"
    )
    with _style():
        return _drawing(_quantization(histograms), alt)


def ranges(layers: Sequence[Mapping[str, Any]]) -> Drawing:
    """Values that occur in each layer, as part of what its type could hold."""
    with _style():
        figure, (axes,) = _figure(1, 0.35 + 0.34 * len(layers))
        for row, layer in enumerate(layers):
            # The scale is linear within a layer and its own: from the smallest to the largest value of its type.
            span = layer["type_high"] - layer["type_low"]
            left = (layer["seen_low"] - layer["type_low"]) / span
            width = max((layer["seen_high"] - layer["seen_low"]) / span, 0.006)
            axes.barh(row, 1, height=0.26, color=COLOURS["line"])
            axes.barh(row, width, left=left, height=0.26, color=COLOURS["integer"])
            seen = f"{_number(layer['seen_low'])} to {_number(layer['seen_high'])}"
            axes.text(0, row - 0.24, f"{layer['name']}  {layer['type'].partition('[')[0]}", color=COLOURS["ink"])
            axes.text(1, row - 0.24, seen, ha="right", color=COLOURS["muted"])
        axes.set_ylim(len(layers) - 0.6, -0.8)
        axes.set_xlim(0, 1)
        axes.set_axis_off()
        seen = ", ".join(f"{layer['name']} {layer['seen_low']} to {layer['seen_high']}" for layer in layers)
        return _drawing(figure, f"Smallest and largest value in each layer on the test set: {seen}")


def waveform(window: Mapping[str, Any]) -> Drawing:
    """Wires around a cycle, from the ``window`` of a ``sim.Difference``: levels of bits, values of words."""
    signals, first = window["signals"], window["first_cycle"]
    cycles = max((len(values) for values in signals.values()), default=0)
    with _style():
        figure, (axes,) = _figure(1, 0.5 + 0.22 * len(signals))
        figure.set_size_inches(2 * WIDTH_INCHES, figure.get_figheight())
        axes.axvspan(window["cycle"] - first, window["cycle"] - first + 1, color=COLOURS["line"], linewidth=0)
        for row, values in enumerate(signals.values()):
            for start, stop, value in _runs(values):
                _draw_level(axes, row, start, stop, value, all(len(each) == 1 for each in values))
        axes.set_yticks(range(len(signals)), list(signals))
        axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"], labelsize=7)
        axes.set_xticks(range(0, cycles, 4), [str(first + cycle) for cycle in range(0, cycles, 4)])
        axes.set_xlim(0, cycles)
        axes.set_ylim(len(signals) - 0.4, -0.6)
        axes.set_title(f"clock cycles; the difference is at {window['cycle']}", loc="left")
        told = "; ".join(f"{name} {values[window['cycle'] - first]}" for name, values in signals.items())
        return _drawing(figure, f"Waveform around cycle {window['cycle']}, on which they are: {told}")


def _runs(values: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """(start, stop, value) of stretches on which a wire stays as it is."""
    start = 0
    for place in range(1, len(values) + 1):
        if place == len(values) or values[place] != values[start]:
            yield start, place, values[start]
            start = place


def _draw_level(axes: Axes, row: int, start: int, stop: int, value: str, is_bit: bool) -> None:
    colour = COLOURS["real"] if "x" in value or "z" in value else COLOURS["integer"]
    low, high = row + 0.3, row - 0.3
    if is_bit and value in ("0", "1"):
        level = high if value == "1" else low
        axes.plot([start, start, stop], [row, level, level], color=colour, linewidth=1)
        axes.plot([stop, stop], [level, row], color=colour, linewidth=1)
        return
    axes.fill([start, stop, stop, start], [low, low, high, high], facecolor="none", edgecolor=colour, linewidth=0.8)
    room = 3 * (stop - start)
    told = value if len(value) <= room else f"…{value[1 - room :]}"  # of a word too long to be shown its lowest digits
    axes.text((start + stop) / 2, row, told, ha="center", va="center_baseline", fontsize=6, color=COLOURS["ink"])


def noise(layers: Sequence[Mapping[str, Any]]) -> Drawing:
    """The noise that each layer adds, as decibels below its signal; the loudest first, those that add none left out."""
    noisy = [layer for layer in layers if layer["own_sqnr_db"] is not None]
    with _style():
        figure, (axes,) = _figure(1, 0.55 + 0.2 * max(1, len(noisy)))
        places = range(len(noisy))
        axes.barh(places, [layer["own_sqnr_db"] for layer in noisy], height=0.62, color=COLOURS["integer"])
        for row, layer in enumerate(noisy):
            if layer["sqnr_db"] is not None:
                axes.plot([layer["sqnr_db"]] * 2, [row - 0.38, row + 0.38], color=COLOURS["real"], linewidth=2)
        axes.set_yticks(places, [layer["layer"] for layer in noisy])
        axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
        axes.set_ylim(max(1, len(noisy)) - 0.5, -0.6)
        axes.set_title("SQNR in dB: of the layer itself (bar), of all up to it (mark)", loc="left")
        told = ", ".join(f"{layer['layer']} {layer['own_sqnr_db']:.1f} dB" for layer in noisy) or "no layer adds noise"
        return _drawing(figure, f"Signal-to-quantization-noise ratio by layer, the worst first: {told}")


def layer_histograms(layer: Mapping[str, Any]) -> Drawing:
    """The values of a layer's result, and below them its weights if it has any, over all that the type can hold."""
    shown = [("values", "real"), ("weights", "integer")] if layer["weights"] else [("values", "real")]
    with _style():
        figure, rows = _figure(len(shown), 0.95)
        for axes, (what, colour) in zip(rows, shown, strict=True):
            found = layer[what]
            axes.stairs(found["counts"], found["edges"], fill=True, color=COLOURS[colour])
            axes.set_xlim(found["edges"][0], found["edges"][-1])
            first, last = ceil(found["edges"][0]), floor(found["edges"][-1])
            axes.set_xticks([first, *([0] if first < 0 < last else []), last])
            span = f"{_number(found['low'])} to {_number(found['high'])}"
            axes.set_title(f"{layer['layer']} {what}: {span}", loc="left")
        spans = " and of its ".join(f"{what}, from {layer[what]['low']} to {layer[what]['high']}" for what, _ in shown)
        return _drawing(figure, f"How often each value occurs in {layer['layer']}: histogram of its {spans}")


def _quantization(histograms: Mapping[str, Any]) -> Figure:
    figure, (before, after) = _figure(2, 0.95)
    before.stairs(histograms["counts_before"], histograms["edges_before"], fill=True, color=COLOURS["real"])
    before.set_title(f"{histograms['feature']}: real numbers", loc="left")
    after.stairs(histograms["counts_after"], histograms["edges_after"], fill=True, color=COLOURS["integer"])
    after.set_title("the integers that stand for them", loc="left")
    for axes, which in ((before, "before"), (after, "after")):
        edges = histograms[f"edges_{which}"]
        axes.set_xlim(edges[0], edges[-1])
        axes.locator_params(axis="x", nbins=5)
    return figure


def _number(value: int) -> str:
    return f"{value:,}".replace("-", "\N{MINUS SIGN}")


def _figure(rows: int, inches: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, rows * inches), layout="constrained")
    found = list(figure.subplots(rows, 1, squeeze=False)[:, 0])
    for axes in found:
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.set_yticks([])
    return figure, found


@contextmanager
def _style() -> Iterator[None]:
    """The look of all drawings; nothing of it stays behind, and a figure by itself starts no window system."""
    import matplotlib as mpl

    settings: dict[str, Any] = {
        "svg.fonttype": "none",  # letters, not outlines: they can be read, searched, and take the page's font
        "svg.hashsalt": "tensorgate",
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.titlecolor": COLOURS["ink"],
        "axes.edgecolor": COLOURS["line"],
        "axes.titlepad": 4,
        "xtick.color": COLOURS["line"],
        "xtick.labelcolor": COLOURS["muted"],
        "xtick.labelsize": 7,
        "axes.formatter.use_mathtext": False,
        "axes.unicode_minus": True,
        "text.parse_math": False,  # a feature may be called "price in $"
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
    }
    with mpl.rc_context(settings):
        yield


def _drawing(figure: Figure, alt: str) -> Drawing:
    """The bare ``<svg>`` element of a figure, coloured by CSS variables."""
    target = io.StringIO()
    figure.savefig(target, format="svg", metadata={"Date": None})
    svg = target.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\s(xmlns(:\w+)?|version|width|height)="[^"]*"', "", svg.partition(">")[0]) + svg[svg.index(">") :]
    svg = _without_definitions(svg)
    for name, colour in COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return Drawing(svg.strip().replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1), alt)


def _without_definitions(svg: str) -> str:
    """Put tick marks where they are referred to, and drop clipping: identifiers may be there once in a page only."""
    paths = dict(re.findall(r'<path id="(\w+)" d="([^"]*)"', svg))
    svg = re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)

    def use(match: re.Match[str]) -> str:
        attributes = dict(re.findall(r'([\w:]+)="([^"]*)"', match[0]))
        style, x, y = attributes.get("style", ""), attributes.get("x", "0"), attributes.get("y", "0")
        return f'<path d="{paths[attributes["xlink:href"][1:]]}" transform="translate({x} {y})" style="{style}"/>'

    svg = re.sub(r"<use\b[^>]*/>", use, svg)
    return re.sub(r'\s(id|clip-path)="[^"]*"', "", svg)
