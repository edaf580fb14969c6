"""What an error about a difference leaves in its folder, and that nothing hides the difference itself."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from sim.difference import Difference, VerificationError

WINDOW = {"first_cycle": 3, "cycle": 5, "signals": {"m_axis_tvalid": ["0", "0", "1", "1"]}}
SEEN = Difference("icarus", "dense1[2] of sample 0: golden 3, icarus 4", layer="dense1", cycle=5, window=WINDOW)


def test_facts_and_a_page_with_the_waves_are_left(tmp_path: Path) -> None:
    VerificationError(SEEN, tmp_path / "kept", "tensorgate verify iris")
    told = json.loads((tmp_path / "kept" / "difference.json").read_text())
    assert (told["layer"], told["command"]) == ("dense1", "tensorgate verify iris")
    page = (tmp_path / "kept" / "difference.html").read_text()
    assert "tensorgate verify iris" in page
    assert "golden 3, icarus 4" in page
    assert "<svg" in page


def test_without_a_folder_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    VerificationError(SEEN)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_kept_hides_no_difference(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = VerificationError(SEEN, tmp_path / "file" / "kept")
    assert error.difference is SEEN
    assert "golden 3, icarus 4" in str(error)
    [note] = error.__notes__
    assert note.startswith("not kept: ")


def test_in_another_process_it_is_the_same_and_writes_nothing_again(tmp_path: Path) -> None:
    error = VerificationError(SEEN, tmp_path / "kept", "again")
    (tmp_path / "kept" / "difference.html").unlink()
    other = pickle.loads(pickle.dumps(error))
    assert (other.difference, other.folder, other.command, str(other)) == (SEEN, error.folder, "again", str(error))
    assert not (tmp_path / "kept" / "difference.html").exists()
