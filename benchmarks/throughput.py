"""How near training and prediction come to the speed of the model alone, and how other loops do: python -m benchmarks.throughput.

In one run, interleaved, for a given model, image side, batch size and device:
  limit                the same step on one synthetic batch that stays on the device
  this project         its training epoch (`train_one_epoch`), prediction (`predict_logits`) and batches, from its store
  Pillow + DataLoader  the loop that most projects write: a file opened, resized and augmented image by image in worker processes
  timm                 timm's own loader with the same operations, where timm is installed

All of them use the same files, model, optimizer and precision, in one process. The first epoch of each is left out; after that
the workers of the other loops stay alive, as they do in training, and sleep while it is not their turn. The peers get the
number of workers, cores or cores - 1, that does the work faster, and do not ask for the loss at every step. Rates are images a
second over whole epochs, as many as fill --seconds, the last, smaller batch included (timm leaves it out); a ratio is the median
of the ratios of each round. Memory is the peak in the round before those that count: of this process, whose allocator keeps what
an earlier variant had, and for the peers of their workers too, shared pages counted once; on a GPU it is the peak of what torch
has allocated there instead.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Measurement, draw, read_json, table_text, write_json
from benchmarks.machine import OneLineParser, PeakMemory, describe_machine, memory_mb, num_cores
from benchmarks.rounds import Figures, Method, Variant, measure_rounds
from core.errors import InputError
from core.files import check_writable, refuse_existing
from core.settings import option
from core.training.settings import RuntimeSettings
from core.workspace import Workspace
from scripts.command_line import add_settings, progress_bar, read_settings, run_command, say

if TYPE_CHECKING:
    from benchmarks.subjects import Subjects
    from core.training.run import Run

_GROUPS = ("training", "prediction", "batches")


@dataclass(frozen=True)
class ThroughputSettings:
    """What is measured, on what, and how often."""

    model: str = option("models/simple_cnn.py", "the model file", metavar="FILE")
    resize: int = option(32, "side of the images, in pixels", minimum=8, maximum=4096)
    batch_size: int = option(64, "images a step", minimum=2, maximum=65_536)
    images: int | None = option(None, "use only this many training images (default: all)", minimum=4)
    horflip: float = option(0.0, "probability of a horizontal flip", minimum=0, maximum=1)
    rotate: float = option(0.0, "largest angle of a random rotation, in degrees", minimum=0, maximum=180)
    source: str = option(
        "digits", "whatever creating_dataset takes: digits, an archive, a folder, kaggle:<slug>; or generated:<count>x<side>, JPEGs"
    )
    rounds: int = option(5, "repeats that count", minimum=1, maximum=1000)
    seconds: float = option(1.0, "least time of a variant in a round: quick epochs are repeated", minimum=0, maximum=3600)
    peer_workers: int | None = option(
        None, "worker processes of the other loops; 0: none (default: cores or cores - 1, whichever is faster)", minimum=0, maximum=256
    )
    seed: int = option(0, "seed of weights, order and augmentation", minimum=0, maximum=2**31 - 1)


def build_parser() -> argparse.ArgumentParser:
    """The benchmark's flags."""
    lines = (__doc__ or "").splitlines()
    parser = OneLineParser(prog="python -m benchmarks.throughput", description=lines[0].partition(":")[0], allow_abbrev=False)
    add_settings(parser, "what is measured", ThroughputSettings)
    add_settings(parser, "the machine", RuntimeSettings)
    parser.add_argument("--groups", nargs="+", choices=_GROUPS, default=_GROUPS, help="measure only these (default: all three)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures of every round")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them, as a PNG")
    parser.add_argument("--draw", type=Path, nargs="+", metavar="JSON", help="measure nothing: table and --picture from these files")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark; returns its exit code."""
    command = "python -m benchmarks.throughput " + " ".join(sys.argv[1:] if argv is None else argv)
    return run_command(build_parser(), lambda arguments: _benchmark(arguments, command.strip()), argv)


def _benchmark(arguments: argparse.Namespace, command: str) -> None:
    if arguments.picture is not None and arguments.picture.suffix.lower() != ".png":
        raise InputError(f"--picture {arguments.picture}: give a name that ends in .png")
    for path in (arguments.json, arguments.picture):
        if path is not None:  # before the measuring, which takes minutes
            refuse_existing(path, force=True)
            check_writable(path.parent)
    measurements = [read_json(path) for path in arguments.draw or ()] or [_measure(arguments, command)]
    for measurement in measurements:
        print(table_text(measurement))
    if arguments.json is not None and not arguments.draw:
        write_json(arguments.json, measurements[0])
        say(f"figures    {arguments.json}")
    if arguments.picture is not None:
        draw(arguments.picture, measurements)
        say(f"picture    {arguments.picture}")


def _measure(arguments: argparse.Namespace, command: str) -> Measurement:
    settings: ThroughputSettings = read_settings(arguments, ThroughputSettings)
    with tempfile.TemporaryDirectory(prefix="throughput-") as folder:
        workspace = Workspace(Path(folder, "workspace"))
        run = _open_run(workspace, settings, read_settings(arguments, RuntimeSettings))
        from benchmarks.subjects import Subjects, files_of

        files = files_of(run, workspace, settings.horflip, settings.rotate)
        if len(files.paths) < settings.batch_size:
            raise InputError(f"--batch_size {settings.batch_size}: there are {len(files.paths)} training images; one whole batch is wanted")
        subjects = Subjects(run, files, settings.peer_workers)
        results = {group: _measure_group(subjects, group, settings) for group in _GROUPS if group in arguments.groups}
        return Measurement(
            title=f"{run.loaded.source.class_name}, {settings.resize} px, batches of {settings.batch_size}, {_details(run, settings)}",
            command=command,
            machine=describe_machine(str(files.device)),
            images=len(files.paths),
            rounds=settings.rounds,
            groups=results,
        )


def _measure_group(subjects: "Subjects", group: str, settings: ThroughputSettings) -> list[Figures]:
    say(f"{group}: starting the workers of the other loops, and choosing how many")
    variants, loops = subjects.variants(group)
    try:
        method = Method(settings.rounds, settings.seconds, _waiter(subjects), _memory_reader(subjects))
        return measure_rounds(variants, method, progress_bar)
    finally:
        for loop in loops:
            loop.stop()


def _waiter(subjects: "Subjects") -> Callable[[], None]:
    import torch

    return torch.cuda.synchronize if subjects.files.device.type == "cuda" else lambda: None


def _memory_reader(subjects: "Subjects") -> Callable[[Variant], float]:
    """Runs a variant and returns its peak: of the GPU's memory on a GPU, else of its processes."""
    import torch

    def read(variant: Variant) -> float:
        if subjects.files.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            variant.run()
            torch.cuda.synchronize()
            return torch.cuda.max_memory_allocated() / 1e6
        with PeakMemory(lambda: memory_mb(variant.processes())) as memory:
            variant.run()
        return memory.peak

    return read


def _open_run(workspace: Workspace, settings: ThroughputSettings, runtime: RuntimeSettings) -> "Run":
    """The dataset made as creating_dataset makes it, and a run of the training command made ready on it."""
    from benchmarks.generated import source_folder
    from core.data.settings import AugmentationSettings, PreprocessingSettings
    from core.training.plan import RunPlan
    from core.training.settings import OptimizationSettings, RunSettings
    from scripts import creating_dataset

    plan = RunPlan(
        model_path=Path(settings.model),
        run=RunSettings(model_title="throughput", batch_size=settings.batch_size, seed=settings.seed, max_samples=settings.images),
        optimization=OptimizationSettings(),
        preprocessing=PreprocessingSettings(resize=settings.resize),
        augmentation=AugmentationSettings(horflip=settings.horflip, rotate=settings.rotate),
        runtime=runtime,
    )
    plan.check()
    from core.training.opening import open_run

    source = source_folder(settings.source, workspace.root.with_name("photos"), num_cores(), progress_bar)
    with contextlib.redirect_stdout(io.StringIO()):
        code = creating_dataset.main([source, "--workspace", str(workspace.root)])
    if code:
        raise SystemExit(code)
    return open_run(workspace, plan, progress_bar)


def _details(run: "Run", settings: ThroughputSettings) -> str:
    """Precision and random operations."""
    precision = "fp32" if run.learner.accelerator.mixed_precision == "no" else run.learner.accelerator.mixed_precision
    compiled = ["compiled"] if run.plan.runtime.compile else []
    chosen = [f"{name} {value:g}" for name, value in (("horflip", settings.horflip), ("rotate", settings.rotate)) if value]
    return ", ".join([precision, *compiled, *(chosen or ["no random augmentation"])])


if __name__ == "__main__":
    sys.exit(main())
