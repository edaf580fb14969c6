"""The drawings: right files, nothing left behind, and safe to put into a page."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import golden
import sim
from golden.data import Dataset, Histograms, Split
from sim import figures
from sim.figures import COLOURS, Drawing, draw_quantization, layer_histograms, noise, quantization, ranges

pytestmark = pytest.mark.slow  # it draws


@pytest.fixture
def histograms() -> Histograms:
    x = np.random.default_rng(0).normal(5.8, 0.8, (150, 2))
    data = Dataset({"train": Split(x)}, feature_names=("sepal length (cm)", "price in $_{x}$ <b>&\"'"))
    return golden.QuantizeTransform(bits=8).fit(data).histograms(data, 0)


def plain(histograms: Histograms, **changes: Any) -> dict[str, Any]:
    values = {name: np.asarray(value).tolist() for name, value in vars(histograms).items()}
    return {**values, **changes}


def layer(name: str = "dense1") -> dict[str, Any]:
    return {
        "name": name,
        "type": "s12[4]",
        "type_low": -2048,
        "type_high": 2047,
        "seen_low": -1000,
        "seen_high": 700,
    }


def noisy_layer(name: str = "dense1", own_sqnr_db: float | None = 30.0) -> dict[str, Any]:
    counts = {"counts": [1, 5, 2, 0], "edges": [-8.5, -4.5, -0.5, 3.5, 7.5], "low": -7, "high": 3}
    return {"layer": name, "own_sqnr_db": own_sqnr_db, "sqnr_db": 25.0, "values": counts, "weights": counts}


def test_a_user_draws_a_feature_before_and_after(histograms: Histograms, tmp_path: Path) -> None:
    svg = draw_quantization(histograms, tmp_path / "feature.svg").read_text()
    assert "sepal length (cm)" in svg  # as letters, not as outlines
    assert COLOURS["real"] in svg
    ET.fromstring(svg)
    png = draw_quantization(histograms, str(tmp_path / "feature.png")).read_bytes()
    assert png.startswith(b"\x89PNG")


def test_the_same_histograms_give_the_same_file(histograms: Histograms, tmp_path: Path) -> None:
    first, second = (draw_quantization(histograms, tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert first == second


def test_other_formats_and_missing_folders_are_refused(histograms: Histograms, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be a \.svg or \.png file, not 'a\.gif'"):
        draw_quantization(histograms, tmp_path / "a.gif")
    with pytest.raises(FileNotFoundError):
        draw_quantization(histograms, tmp_path / "nowhere" / "a.svg")


def test_drawings_of_a_page_follow_its_colours_and_collide_with_nothing(histograms: Histograms) -> None:
    drawings = [quantization(plain(histograms)), ranges([layer()])]
    drawings += [noise([noisy_layer(), noisy_layer("dense2")]), layer_histograms(noisy_layer())]
    for drawing in drawings:
        root = ET.fromstring(drawing.svg)
        assert root.tag == "svg"
        assert root.attrib["aria-label"] == drawing.alt
        assert not re.search(r"#[0-9a-f]{6}|\bid=|http|href|clip-path", drawing.svg)
        assert "var(--integer)" in drawing.svg
    assert "var(--real)" in drawings[0].svg


def test_any_name_of_a_feature_is_just_text(histograms: Histograms) -> None:
    name = "price in $_{x}$ <b>&\"'</text><script>"
    drawing = quantization(plain(histograms, feature=name))
    root = ET.fromstring(drawing.svg)
    assert any(name in (text.text or "") for text in root.iter("text"))
    assert name in root.attrib["aria-label"]


def test_words_tell_what_is_drawn() -> None:
    both = "histogram of its values, from -7 to 3 and of its weights, from -7 to 3"
    assert layer_histograms(noisy_layer()).alt == f"How often each value occurs in dense1: {both}"
    assert noise([noisy_layer(), noisy_layer("x", None)]).alt.endswith("by layer, the worst first: dense1 30.0 dB")
    assert noise([noisy_layer("x", None)]).alt.endswith("no layer adds noise")
    assert "dense1 -1000 to 700" in ranges([layer()]).alt


def test_a_layer_with_one_value_can_be_drawn() -> None:
    constant = {**layer(), "seen_low": 0, "seen_high": 0, "type_low": 0, "type_high": 1}
    assert isinstance(ranges([constant]), Drawing)


def test_matplotlib_comes_late_and_without_windows() -> None:
    code = """
import sys, sim, sim.regression.report, sim.regression
assert callable(sim.draw_quantization)
from sim.figures import ranges
assert "matplotlib" not in sys.modules
ranges([{"name": "a", "type": "u1", "type_low": 0, "type_high": 1, "seen_low": 0, "seen_high": 1}])
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_of_the_module_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example = re.findall(r"^    .+$", figures.__doc__ or "", re.MULTILINE)
    exec("\n".join(line.strip() for line in example), {"golden": golden, "sim": sim})
    [drawing] = tmp_path.iterdir()
    assert drawing.name == "sepal_length.svg"
    assert sim.figures.draw_quantization is sim.draw_quantization


def test_settings_of_matplotlib_stay_as_they_were(histograms: Histograms) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    quantization(plain(histograms))
    assert dict(mpl.rcParams) == before
