"""The benchmark of the store: tiny runs of its three parts; how fast anything is, no test says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import generated, store
from scripts import creating_dataset

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    monkeypatch.setattr(store, "num_cores", lambda: 1)


def test_building(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert store.main(["--images", "8", "--photo_side", "32", "--resize", "16", "--rounds", "1"]) == 0
    out = capsys.readouterr().out
    assert "8 JPEGs of 32 px" in out and "decoder alone" in out and "start-up" in out
    assert list(tmp_path.iterdir()) == []


def test_growth(capsys):
    assert store.main(["--growth", "--few", "8", "--many", "16", "--batch_size", "8", "--rounds", "1", "--seconds", "0"]) == 0
    assert "time per image, 16 images / 8 images" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="Linux alone tells anonymous memory apart")
def test_memory_of_a_process_of_its_own(tmp_path):
    path = tmp_path / "s.npy"
    generated.write_store(path, 10_000, (3, 16, 16))
    command = [sys.executable, "-m", "benchmarks.stored_training", str(path), "2", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"images": 14' in done.stdout and '"training_mb"' in done.stdout


@pytest.mark.parametrize(("wrong", "named"), [(["--images", "1"], "--images"), (["--growth", "--few", "9", "--many", "8"], "--few 9")])
def test_what_is_wrong_is_named_in_one_line(wrong, named, capsys):
    assert store.main(wrong) == 2
    err = capsys.readouterr().err
    assert err.count("error: ") == 1 and named in err


def test_too_little_disk_is_said_before_anything_is_made(capsys):
    assert store.main(["--memory", "--large_mb", "1e12"]) == 3
    assert "no space left" in capsys.readouterr().err


def test_a_store_is_as_large_as_asked(tmp_path):
    generated.write_store(tmp_path / "s.npy", 1_000, (3, 8, 8))
    pixels = np.load(tmp_path / "s.npy")
    assert pixels.shape == (6, 3, 8, 8) and pixels.dtype == np.uint8 and len(np.unique(pixels)) > 200


def test_photos_differ_and_are_made_again_alike(tmp_path):
    first, again = (generated.write_photos(tmp_path / name, 3, 48, 1) for name in "ab")
    data = [path.read_bytes() for path in first]
    assert len(set(data)) == 3 and data == [path.read_bytes() for path in again]
    with Image.open(first[0]) as image:
        assert image.format == "JPEG" and image.size == (48, 48)


def test_a_generated_source_is_a_competition(tmp_path, capsys):
    source = generated.source_folder("generated:100x16", tmp_path / "photos", 1)
    assert creating_dataset.main([source, "--workspace", str(tmp_path / "w")]) == 0
    assert "90 images" in capsys.readouterr().out
    assert generated.source_folder("digits", tmp_path / "none", 1) == "digits" and not (tmp_path / "none").exists()
