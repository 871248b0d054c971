"""How fast a dataset is audited: python -m benchmarks.auditing [--images 4000] [--hashes 100000].

Two figures. The search for pairs alone: random hashes in all 8 views, of which some thousands are near copies of others, planted at every
distance up to the bound; every one of them must be found. And looking at generated JPEGs (thumbnail, header, faults), and the whole audit,
beside processes that decode the same files to the same side and keep nothing, in turns.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import OneLineParser, PeakMemory, describe_machine, memory_mb, num_cores
from benchmarks.rounds import Figures, Method, Variant, measure_rounds
from core.data.preprocessing import Preprocessing
from core.data.settings import AuditSettings, PreprocessingSettings
from core.files import check_space
from core.settings import option
from scripts.command_line import add_settings, progress_bar, read_settings, run_command

if TYPE_CHECKING:
    import numpy as np

    from core.data.audit_subjects import Subject

_BYTES_OF_A_PIXEL = 0.5


@dataclass(frozen=True)
class AuditingSettings:
    """What is measured."""

    images: int = option(4_000, "JPEGs to generate", minimum=8)
    photo_side: int = option(512, "their side, in pixels", minimum=32, maximum=4096)
    rounds: int = option(3, "repeats that count", minimum=1, maximum=1000)
    hashes: int = option(100_000, "random hashes to search for pairs in", minimum=2)
    planted: int = option(5_000, "how many of them are near copies of others", minimum=0)


def build_parser() -> argparse.ArgumentParser:
    """The benchmark's flags."""
    description = (__doc__ or "").partition(":")[0]
    parser = OneLineParser(prog="python -m benchmarks.auditing", description=description, allow_abbrev=False)
    add_settings(parser, "what is measured", AuditingSettings)
    add_settings(parser, "the audit", AuditSettings)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark; returns its exit code."""
    return run_command(build_parser(), _benchmark, argv)


def _benchmark(arguments: argparse.Namespace) -> None:
    settings, audit = read_settings(arguments, AuditingSettings), read_settings(arguments, AuditSettings)
    print(f"{describe_machine('cpu')}; load {os.getloadavg()[0]:.1f}")
    _measure_pairs(settings, audit.max_distance)
    with tempfile.TemporaryDirectory(prefix="auditing-") as name:
        check_space(Path(name), int(_BYTES_OF_A_PIXEL * settings.photo_side**2) * settings.images)
        _measure_looking(Path(name), settings, audit)


def _measure_looking(folder: Path, settings: AuditingSettings, audit: AuditSettings) -> None:
    from benchmarks.decoders import BareDecoders
    from benchmarks.generated import write_photos
    from core.data.audit import audit_images
    from core.data.audit_subjects import Subjects
    from core.data.hashing import SIDE
    from core.data.looks import look_at

    cores = num_cores()
    paths = write_photos(folder / "photos", settings.images, settings.photo_side, cores, progress_bar)
    images = [_subject(path, folder) for path in paths]

    def look() -> int:
        return len(look_at(folder, [image.record for image in images], cores))

    def audit_all() -> int:
        return len(audit_images(folder, Subjects(images, [], [], []), audit).looks)

    preprocessing = Preprocessing(PreprocessingSettings(resize=SIDE), 1)
    with BareDecoders(paths, preprocessing, cores) as decoders:
        variants = [Variant("decoder alone", decoders.run), Variant("looking", look), Variant("the whole audit", audit_all)]
        alone, *others = measure_rounds(variants, Method(settings.rounds), progress_bar)
    print(f"{settings.images:,} JPEGs of {settings.photo_side} px, {cores} processes, start included, {settings.rounds} rounds, medians")
    print(_row(alone))
    for figures in others:
        print(f"{_row(figures)}   {figures.ratio(alone):.3f} of the decoder alone")


def _subject(path: Path, folder: Path) -> "Subject":
    from core.data.audit_subjects import Subject
    from core.data.manifest import TRAIN, ImageRecord
    from core.files import sha256_file

    status = path.stat()
    record = ImageRecord(TRAIN, path.stem, path.relative_to(folder).as_posix(), status.st_size, status.st_mtime_ns, sha256_file(path))
    return Subject(record, TRAIN, "0")


def _measure_pairs(settings: AuditingSettings, bound: int) -> None:
    from core.data.candidates import find_candidates

    hashes, planted = _planted(settings.hashes, min(settings.planted, settings.hashes // 2), bound)
    with PeakMemory(lambda: memory_mb([os.getpid()], "RssAnon")) as memory:
        before, begin = memory_mb([os.getpid()], "RssAnon"), time.perf_counter()
        found = find_candidates(hashes, bound, progress_bar)
        seconds = time.perf_counter() - begin
    pairs = set(zip(found.first.tolist(), found.second.tolist(), strict=True))
    print(
        f"{len(hashes):,} random hashes in 8 views, bound {bound}: {seconds:.1f} s, {memory.peak - before:.0f} MB; {len(pairs):,} pairs, "
        f"{len(planted & pairs):,} of the {len(planted):,} planted"
    )


def _planted(count: int, copies: int, bound: int) -> "tuple[np.ndarray, set[tuple[int, int]]]":
    """Random hashes (count, 8), the last of which are up to `bound` bits from the first, seen in some view; and these pairs."""
    import numpy as np

    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (count, 8), dtype=np.uint64)
    pairs = set()
    for number in range(copies):
        bits = rng.choice(64, number % (bound + 1), replace=False).astype(np.uint64)
        flips = np.bitwise_or.reduce(np.uint64(1) << bits) if len(bits) else np.uint64(0)
        hashes[count - 1 - number, 0] = hashes[number, number % 8] ^ flips
        pairs.add((number, count - 1 - number))
    return hashes, pairs


def _row(figures: Figures) -> str:
    return f"{figures.name:<18}{figures.median:>10,.1f} images/s ({min(figures.rates):,.1f} - {max(figures.rates):,.1f})"


if __name__ == "__main__":
    sys.exit(main())
