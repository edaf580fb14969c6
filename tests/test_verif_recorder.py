from __future__ import annotations

import random

import numpy as np

from verif import recorder
from verif.recorder import Recorder, Recording


def test_a_recording_reads_back_bit_by_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "CHUNK_CYCLES", 7)
    rng = random.Random(0)
    pins = {"valid": 1, "data": 130, "odd": 9}
    lines = ["".join(rng.choice("0011XZ") for _ in range(140)) for _ in range(50)]
    recording = Recorder(pins, ["data"])
    for line in lines:
        recording.add(line)
    recording.save(tmp_path / "first.npz")
    recording.add("1" * 140)
    recording.save(tmp_path / "all.npz")

    read = Recording(tmp_path / "all.npz")
    assert read.pins == pins
    assert read.inputs == ["data"]
    assert read.words("data")[-1] == (1 << 130) - 1
    for name, start, stop in (("valid", 0, 1), ("data", 1, 131), ("odd", 131, 140)):
        fields = [line[start:stop] for line in lines]
        assert read.words(name)[:-1] == [int("".join("1" if c == "1" else "0" for c in f), 2) for f in fields]
        assert read.unknown(name)[:-1] == [int("".join("1" if c in "XZ" else "0" for c in f), 2) for f in fields]
    assert len(Recording(tmp_path / "first.npz").words("valid")) == 50


def test_numpy_alone_reads_a_recording(tmp_path):
    recording = Recorder({"a": 1, "b": 12}, ["a"])
    recording.add("1" + "X" + "00000000011")
    recording.save(tmp_path / "r.npz")
    with np.load(tmp_path / "r.npz") as file:
        assert file["pins"].tolist() == ["a", "b"]
        assert file["bits"].tolist() == [1, 12]
        assert file["b"].tolist() == [[3, 0]]
        assert file["b.unknown"].tolist() == [[0, 8]]
