"""What it costs to save a run's state and to go on from it: python -m benchmarks.saving [MODEL ...] --resize 64

For each model: seconds of an epoch, seconds to write the states of an epoch's end (best and last), their share
of the epoch, and seconds to make a run ready, a new one and with `--resume`. Medians of several rounds.
"""

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.machine import OneLineParser, describe_machine
from core.data.settings import AugmentationSettings, PreprocessingSettings
from core.training.fit import fit
from core.training.history import EpochRecord
from core.training.opening import open_run
from core.training.plan import RunPlan
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from core.workspace import Workspace
from scripts import creating_dataset
from scripts.command_line import progress_bar, run_command
from scripts.run_files import save_epoch


@dataclass(frozen=True)
class Costs:
    """What was measured of a model: megabytes of a state, and seconds."""

    megabytes: float
    epoch: float
    saving: float
    fresh: float
    resumed: float


def measure(workspace: Workspace, plan: RunPlan, rounds: int) -> Costs:
    """Trains an epoch, writes its states `rounds` times, and opens the run as often, anew and again."""
    run = open_run(workspace, plan, progress_bar)
    begin = time.perf_counter()
    record = next(fit(run.learner, run.train, run.valid, range(1), progress=progress_bar))
    epoch = time.perf_counter() - begin
    assert isinstance(record, EpochRecord)
    run.add(record)
    saving: list[float] = []
    fresh: list[float] = []
    resumed: list[float] = []
    other, again = (replace(plan, run=replace(plan.run, **change)) for change in ({"model_title": "other"}, {"resume": True}))
    for _ in range(rounds):
        for times, work in (
            (saving, lambda: save_epoch(run, workspace)),
            (fresh, lambda: open_run(workspace, other)),
            (resumed, lambda: open_run(workspace, again)),
        ):
            begin = time.perf_counter()
            work()
            times.append(time.perf_counter() - begin)
    size = workspace.state_path(plan.title, "last").stat().st_size / 1e6
    return Costs(size, epoch, *(statistics.median(times) for times in (saving, fresh, resumed)))


def build_parser() -> OneLineParser:
    """The command's flags."""
    parser = OneLineParser(prog="python -m benchmarks.saving", description=__doc__)
    models = [Path("models/simple_cnn.py"), Path("models/mobilenet_v2.py"), Path("models/resnet18.py")]
    parser.add_argument("models", type=Path, nargs="*", default=models, metavar="MODEL")
    parser.add_argument("--source", default="digits", help="as of creating_dataset")
    parser.add_argument("--resize", type=int, default=64)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the benchmark; returns its exit code."""
    return run_command(build_parser(), _measure_all, argv)


def _measure_all(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        creating_dataset.main([arguments.source, "--workspace", folder])
        print(f"{describe_machine('cpu')}; {arguments.resize} px, batches of {arguments.batch_size}, {arguments.rounds} rounds")
        print("| model | state, MB | epoch, s | best and last state, s | share of the epoch | new run ready, s | --resume ready, s |")
        print("|---|---|---|---|---|---|---|")
        for model in arguments.models:
            settings = RunSettings(num_epochs=2, batch_size=arguments.batch_size)
            pixels = PreprocessingSettings(resize=arguments.resize)
            plan = RunPlan(model, settings, OptimizationSettings(), pixels, AugmentationSettings(), RuntimeSettings())
            costs = measure(workspace, plan, arguments.rounds)
            share = costs.saving / (costs.epoch + costs.saving)
            print(
                f"| {model.stem} | {costs.megabytes:.1f} | {costs.epoch:.1f} | {costs.saving:.2f} | {share:.1%} | {costs.fresh:.2f} "
                f"| {costs.resumed:.2f} |"
            )


if __name__ == "__main__":
    sys.exit(main())
