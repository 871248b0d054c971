"""What the store costs and what it does not: python -m benchmarks.store [--building] [--memory] [--growth] (default: --building).

--building  generated JPEGs decoded by one process a core that keeps nothing, against the building of a store of them; the
            start of the processes is reported apart.
--memory    RssAnon (memory that is no file's, from /proc/self/status, Linux) of training from a large store against the same
            training from a small one, each in a process of its own; both read all of their store and then take batches from
            anywhere in it.
--growth    time per image of an epoch over many images against one over few.

Whatever is generated lies in a temporary folder (TMPDIR chooses where), which is removed at the end.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.machine import OneLineParser, describe_machine, num_cores
from benchmarks.rounds import Figures, Method, Variant, measure_rounds
from core.data.preprocessing import Preprocessing
from core.data.settings import PreprocessingSettings
from core.errors import EnvironmentFault, InputError
from core.files import check_space
from core.settings import option
from scripts.command_line import add_settings, progress_bar, read_settings, run_command, say

_ROOT = Path(__file__).resolve().parents[1]
_BYTES_OF_A_PIXEL = 0.5  # of a generated JPEG, a little more than it is


@dataclass(frozen=True)
class BuildingSettings:
    """--building."""

    images: int = option(20_000, "JPEGs to generate", minimum=8)
    photo_side: int = option(512, "their side, in pixels", minimum=32, maximum=4096)
    resize: int = option(128, "side of the images in the store, in pixels", minimum=8, maximum=4096)
    rounds: int = option(5, "repeats that count, here and in --growth", minimum=1, maximum=1000)


@dataclass(frozen=True)
class MemorySettings:
    """--memory."""

    large_mb: float = option(10_000.0, "size of the large store, in MB (1e6 bytes)", above=0)
    small_mb: float = option(100.0, "size of the small store", above=0)
    stored_side: int = option(128, "side of its images, in pixels", minimum=8, maximum=4096)
    steps: int = option(100, "training steps", minimum=1)
    small_batch: int = option(8, "images a step", minimum=2, maximum=65_536)


@dataclass(frozen=True)
class GrowthSettings:
    """--growth."""

    few: int = option(1_000, "images of the small set, 32 x 32 pixels", minimum=8)
    many: int = option(60_000, "images of the large set", minimum=8)
    batch_size: int = option(64, "images a step", minimum=2, maximum=65_536)
    seconds: float = option(5.0, "least time of a set in a round: quick epochs are repeated", minimum=0, maximum=3600)


def build_parser() -> argparse.ArgumentParser:
    """The benchmark's flags."""
    lines = (__doc__ or "").splitlines()
    parser = OneLineParser(prog="python -m benchmarks.store", description=lines[0].partition(":")[0], allow_abbrev=False)
    for name in ("building", "memory", "growth"):
        parser.add_argument(f"--{name}", action="store_true", help="measure this (default: --building alone)")
    for settings_class in (BuildingSettings, MemorySettings, GrowthSettings):
        add_settings(parser, (settings_class.__doc__ or "").rstrip("."), settings_class)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark; returns its exit code."""
    return run_command(build_parser(), _benchmark, argv)


def _benchmark(arguments: argparse.Namespace) -> None:
    building: BuildingSettings = read_settings(arguments, BuildingSettings)
    print(describe_machine("cpu"))
    with tempfile.TemporaryDirectory(prefix="store-") as name:
        folder = Path(name)
        if arguments.building or not (arguments.memory or arguments.growth):
            _measure_building(folder, building)
        if arguments.memory:
            _measure_memory(folder, read_settings(arguments, MemorySettings))
        if arguments.growth:
            _measure_growth(folder, read_settings(arguments, GrowthSettings), building.rounds)


def _measure_building(folder: Path, settings: BuildingSettings) -> None:
    from benchmarks.decoders import BareDecoders, Building
    from benchmarks.generated import write_photos

    preprocessing = Preprocessing(PreprocessingSettings(resize=settings.resize), 3)
    _need(folder, settings.images * (3 * settings.resize**2 + int(_BYTES_OF_A_PIXEL * settings.photo_side**2)))
    cores = num_cores()
    paths = write_photos(folder / "photos", settings.images, settings.photo_side, cores, progress_bar)
    building = Building(folder / "store" / "photos.npy", paths, preprocessing, cores)
    with BareDecoders(paths, preprocessing, cores) as decoders:
        variants = [Variant("decoder alone", decoders.run), Variant("building the store", building.run, building.reset)]
        alone, built = measure_rounds(variants, Method(settings.rounds), progress_bar)
    later = Figures("", building.rates[1:])  # the first building was not counted
    size = sum(path.stat().st_size for path in paths) / len(paths) / 1e3
    print(
        f"{settings.images:,} JPEGs of {settings.photo_side} px, {size:.0f} kB each, to {settings.resize} px; "
        f"{cores} processes, {settings.rounds} rounds, medians (lowest - highest)"
    )
    print(_row("decoder alone", alone))
    print(f"{_row('building, after its start-up', later)}   {later.ratio(alone):.3f} of the decoder alone")
    print(f"{_row('building, start-up included', built)}   {built.ratio(alone):.3f}")
    print(f"{'start-up':<32}{statistics.median(building.startups[1:]):>10.2f} s until the first images")


def _measure_memory(folder: Path, settings: MemorySettings) -> None:
    from benchmarks.generated import write_store

    if not Path("/proc/self/status").is_file():
        raise EnvironmentFault("--memory: /proc/self/status is needed, which Linux alone has")
    shape = (3, settings.stored_side, settings.stored_side)
    _need(folder, int((settings.large_mb + settings.small_mb) * 1e6))
    found = {}
    for name, size in (("small", settings.small_mb), ("large", settings.large_mb)):
        path = folder / f"{name}.npy"
        write_store(path, int(size * 1e6), shape, progress_bar)
        say(f"training from the {name} store, {path.stat().st_size / 1e6:,.0f} MB")
        found[name] = _train_apart(path, settings)
        path.unlink()
    print(
        f"RssAnon of training, simple_cnn, {settings.stored_side} px, {settings.steps} steps of {settings.small_batch} images, peaks in MB"
    )
    for name, size in (("small", settings.small_mb), ("large", settings.large_mb)):
        figures = found[name]
        print(
            f"{size:>10,.0f} MB store, {figures['images']:>9,} images: read through {figures['reading_mb']:>8,.0f}, "
            f"training {figures['training_mb']:>8,.0f}"
        )
    print(f"difference in training: {found['large']['training_mb'] - found['small']['training_mb']:+,.0f} MB")


def _train_apart(path: Path, settings: MemorySettings) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.stored_training", str(path), str(settings.small_batch), str(settings.steps)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise EnvironmentFault(f"{path.name}: training from it ended with exit code {done.returncode}: {last[0]}")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _measure_growth(folder: Path, settings: GrowthSettings, rounds: int) -> None:
    from benchmarks.generated import write_store
    from benchmarks.stored_training import make_learner, stored_images, train_some

    if settings.few > settings.many:
        raise InputError(f"--few {settings.few}: must not be more than --many {settings.many}")
    path, size = folder / "images.npy", 3 * 32 * 32
    _need(folder, settings.many * size)
    write_store(path, settings.many * size, (3, 32, 32), progress_bar)
    variants = []
    for count in (settings.few, settings.many):
        labelled = stored_images(path, count)
        learner = make_learner(labelled, settings.batch_size)
        variants.append(Variant(f"{count:,} images", partial(train_some, learner, labelled, count)))
    few, many = measure_rounds(variants, Method(rounds, settings.seconds), progress_bar)
    print(f"epochs of simple_cnn, 32 px, batches of {settings.batch_size}, {rounds} rounds, medians (lowest - highest)")
    for figures in (few, many):
        print(f"{_row(figures.name, figures)}   {1e6 / figures.median:,.1f} us an image")
    print(f"time per image, {many.name} / {few.name}: {few.ratio(many):.3f}")


def _row(name: str, figures: Figures) -> str:
    spread = f"({min(figures.rates):,.1f} - {max(figures.rates):,.1f})"
    return f"{name:<32}{figures.median:>10,.1f} images/s {spread:<24}"


def _need(folder: Path, num_bytes: int) -> None:
    say(f"up to {num_bytes / 1e9:.1f} GB of disk are needed in {folder}; they are freed at the end")
    check_space(folder, num_bytes)


if __name__ == "__main__":
    sys.exit(main())
