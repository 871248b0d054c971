"""The throughput benchmark: a tiny run of it gives a table, figures and a picture; how fast anything is, no test says."""

import json
import math
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks import peer_loops, throughput
from benchmarks.figures import Measurement, read_json, table_text, write_json
from benchmarks.machine import PeakMemory, memory_mb
from benchmarks.peer_loops import FileSet, PeerLoop, plain_loader
from benchmarks.rounds import LIMIT, OURS, PLAIN, TIMM, Figures, Method, Variant, measure_rounds
from core.errors import InputError
from tests.tiny_competition import NET, write_images

ROOT = Path(__file__).parent.parent
PNG = b"\x89PNG\r\n\x1a\n"
needs_timm = pytest.mark.skipif(not peer_loops.has_timm(), reason="timm is not installed")


@pytest.fixture
def flags(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    tiny = ["--images", "64", "--batch_size", "16", "--resize", "8", "--rounds", "1", "--seconds", "0", "--peer_workers", "0"]
    return ["--model", str(tmp_path / "net.py"), "--device", "cpu", *tiny]


def file_set(folder, count=10, **details):
    names = [str(i) for i in range(count)]
    write_images(folder, names, [i % 3 for i in range(count)], color=True)
    paths = [folder / f"img_{name}.png" for name in names]
    defaults = {"horflip": 0.0, "rotate": 0.0, "batch_size": 4, "device": torch.device("cpu")}
    return FileSet(paths, [i % 3 for i in range(count)], (3, 8, 8), (0.5,) * 3, (0.25,) * 3, **(defaults | details))


@pytest.mark.slow
def test_a_tiny_run(flags, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.subjects.has_timm", lambda: False)
    figures, picture = tmp_path / "out" / "a.json", tmp_path / "out" / "a.png"
    assert throughput.main([*flags, "--horflip", "0.5", "--rotate", "10", "--json", str(figures), "--picture", str(picture)]) == 0
    table = capsys.readouterr().out
    for group, name in [("training", LIMIT), ("training", PLAIN), ("prediction", LIMIT), ("prediction", OURS), ("batches", PLAIN)]:
        assert any(line.startswith(group) and name in line for line in table.splitlines()), (group, name)
    assert "64 images" in table and "horflip 0.5, rotate 10" in table and "timm is not installed" in table
    groups = json.loads(figures.read_text())["groups"]
    assert [[f["name"] for f in groups[name]] for name in ("training", "batches")] == [[LIMIT, OURS, PLAIN], [OURS, PLAIN]]
    rates = [rate for group in groups.values() for f in group for rate in f["rates"]]
    assert len(rates) == 8 and all(math.isfinite(rate) and rate > 0 for rate in rates)
    assert picture.read_bytes().startswith(PNG)


def test_several_results_in_one_picture(tmp_path, capsys):
    groups = {"batches": [Figures(OURS, [4.0, 6.0]), Figures(TIMM, [2.0, 2.0], 5.0, "worker processes: 1")]}
    for name in "ab":
        write_json(tmp_path / f"{name}.json", Measurement(f"Net {name}, 8 px", "command", "machine", 10, 2, groups))
    picture = tmp_path / "ab.png"
    assert throughput.main(["--draw", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--picture", str(picture)]) == 0
    table = capsys.readouterr().out
    assert "Net a" in table and "Net b" in table and picture.read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (["--rounds", "0"], "--rounds"),
        (["--batch_size", "many"], "--batch_size"),
        (["--device", "tpu"], "--device"),
        (["--groups", "speed"], "--groups"),
        (["--picture", "speed.pdf"], "--picture"),
        (["--batch_size", "65"], "--batch_size 65"),
        (["--model", "missing.py"], "missing.py"),
        (["--source", "missing.zip"], "missing.zip"),
        (["--source", "generated:5x32"], "generated:5x32"),
        (["--draw", "missing.json"], "missing.json"),
        (["--speed"], "--speed"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(flags, wrong, named, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert throughput.main([*flags, *wrong]) == 2
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert out == "" and len(errors) == 1 and named in errors[0]


def test_the_command_as_a_process():
    command = [sys.executable, "-m", "benchmarks.throughput", "--rounds", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("rate", [math.nan, math.inf, 0.0])
def test_impossible_rates_are_refused(tmp_path, rate):
    write_json(tmp_path / "a.json", Measurement("t", "c", "m", 3, 1, {"batches": [Figures(OURS, [rate])]}))
    with pytest.raises(InputError, match="not a positive number"):
        read_json(tmp_path / "a.json")


def test_figures_come_back_from_their_file(tmp_path):
    written = Measurement("t", "c", "m", 3, 2, {"training": [Figures(LIMIT, [1.5, 2.5], 7.0, "note")]})
    write_json(tmp_path / "a.json", written)
    assert read_json(tmp_path / "a.json") == written


def test_ratios_are_medians_over_the_rounds():
    ours, limit = Figures(OURS, [1.0, 8.0, 3.0]), Figures(LIMIT, [10.0, 8.0, 4.0])
    assert ours.median == 3.0 and ours.ratio(limit) == 0.75
    table = table_text(Measurement("t", "c", "m", 3, 3, {"training": [limit, ours, Figures(PLAIN, [1.0, 2.0, 1.0])]}))
    assert "0.750" in table and f"{3.0:.2f}" in table


def test_each_round_begins_with_another_variant_and_the_first_does_not_count():
    calls = []

    def variant(name):
        return Variant(name, lambda: calls.append(name) or 2, reset=lambda: calls.append("reset"))

    found = measure_rounds([variant("a"), variant("b")], Method(2))
    assert [call for call in calls if call != "reset"] == ["a", "b", "b", "a", "a", "b"]
    assert calls.count("reset") == 6 and [len(figures.rates) for figures in found] == [2, 2]


def test_a_quick_variant_is_repeated_until_the_time_is_over():
    calls = []
    measure_rounds([Variant("a", lambda: calls.append(1) or 1)], Method(1, seconds=0.02))
    assert len(calls) > 2


def test_the_plain_loader_reads_every_file_once(tmp_path):
    loop = PeerLoop(lambda workers: plain_loader(file_set(tmp_path), True, workers), _classes, torch.device("cpu"), 0)
    loop.start()
    assert loop.run() == 10 and loop.processes() == [os.getpid()]


@needs_timm
def test_loaders_give_the_same_pixels(tmp_path):
    """Without random operations, which are off in prediction, timm's loader resizes and normalizes as the plain one does."""
    files = file_set(tmp_path, horflip=0.5, rotate=10.0)
    plain, timm = ([images for images, _ in make(files, False, 0)] for make in (plain_loader, peer_loops.timm_loader))
    assert torch.equal(torch.cat(plain), torch.cat(timm))


@needs_timm
def test_timm_flips_too(tmp_path):
    files = file_set(tmp_path, count=4, horflip=1.0)
    flipped = next(iter(peer_loops.timm_loader(files, True, 0)))[0]
    plain = next(iter(plain_loader(files, False, 0)))[0]
    assert torch.equal(_sorted(flipped.flip(3)), _sorted(plain))


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").is_file(), reason="Linux alone says how much memory is whose")
def test_memory_is_seen_at_its_peak():
    with PeakMemory(lambda: memory_mb([os.getpid()], "RssAnon"), 0.001) as memory:
        before = memory_mb([os.getpid()], "RssAnon")
        held = mmap.mmap(-1, 200_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        held.write(b"x" * len(held))
        time.sleep(0.1)
        held.close()
    assert memory.peak - before > 150 and memory_mb([os.getpid()]) > 0 and memory_mb([2**22 + 1]) == 0


def _classes(batches):
    return sum(len(targets) for _, targets in batches)


def _sorted(images):
    return images[images.flatten(1).sum(1).argsort()]
