"""python -m scripts.demo: the whole pipeline on the embedded digits: three models, their predictions, their vote, one table."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import CommandError
from core.metrics import METRICS, Estimate, bootstrap
from core.workspace import Workspace
from scripts import creating_dataset, merge_predicted, predict_classes, training
from scripts.command_line import new_parser, run_command, say, workspace_of

if TYPE_CHECKING:
    from core.prediction.predictions import Predictions

MODELS_DIR = Path(__file__).resolve().parents[1] / "models"
MODELS = {"simple_cnn": 10, "resnet18": 6, "darkcovidnet": 8}
SHARED = ["--resize", "32", "--rotate", "8", "--batch_size", "32"]


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "demo", "Runs the main job on scikit-learn's digits: three models, their predictions, their majority vote, and what it gains."
    )
    parser.set_defaults(workspace=Path("demo"))
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _demonstrate, argv)


def _demonstrate(arguments: argparse.Namespace) -> None:
    begin, workspace = time.perf_counter(), workspace_of(arguments)
    common = ["--workspace", str(workspace.root), "--force"]
    _stage("a competition from 1,797 digits", creating_dataset.main(["digits", *common]))
    for name, epochs in MODELS.items():
        model, weights = str(MODELS_DIR / f"{name}.py"), f"{name}_last"
        _stage(f"train {name}", training.main([model, "--num_epochs", str(epochs), *SHARED, *common]))
        _stage(f"predict with {name}", predict_classes.main([model, "--weights", weights, *_output(workspace, name), *common]))
    _stage("majority vote", merge_predicted.main([*MODELS, *_output(workspace, "merged"), *common]))
    print(_table(workspace))
    seconds = time.perf_counter() - begin
    print(f"submission {workspace.outputs_dir / 'merged.csv'}, curves {workspace.root / 'graphs'}; {seconds:.0f} s in all")


def _stage(title: str, code: int) -> None:
    if code:
        raise CommandError(f"the stage '{title}' ended with exit code {code}")
    say(f"--- done: {title}")


def _output(workspace: Workspace, name: str) -> list[str]:
    return ["--save_path", str(workspace.outputs_dir / f"{name}.csv")]


def _table(workspace: Workspace) -> str:
    """macro-F1 of each model and of the vote, on the held-out part and on the test answers, which nothing has read before."""
    from core.data.digits import digits_test_answers
    from core.ensembling.voting import majority_vote
    from core.prediction.exchange import read_oof, read_prediction_files
    from core.prediction.predictions import Predictions

    held_out = [read_oof(workspace.oof_path(name)) for name in MODELS]
    single = [oof.predictions for oof in held_out if isinstance(oof.predictions, Predictions)]
    vote = majority_vote(single)
    truth = dict(zip(held_out[0].predictions.id_texts(), held_out[0].targets, strict=True))
    answers = digits_test_answers()
    rows = []
    for name in (*MODELS, "merged"):
        validation = vote if name == "merged" else single[list(MODELS).index(name)]
        submitted = read_prediction_files(workspace.outputs_dir / f"{name}.csv")
        rows.append((name if name != "merged" else "majority vote", _judge(validation, truth), _judge(submitted, answers)))
    lines = ["", f"{'macro-F1 [95 % interval]':<26}{'held out':<36}{'test answers':<36}"]
    return "\n".join([*lines, *(f"{name:<26}{valid!s:<36}{test!s:<36}" for name, valid, test in rows), ""])


def _judge(predictions: "Predictions", truth: dict[str, str]) -> Estimate:
    import numpy as np

    targets = np.array([int(truth[name]) for name in predictions.id_texts()])
    labels = np.array([int(label) for label in predictions.label_texts()])
    return bootstrap(METRICS["macro_f1"], targets, labels)


if __name__ == "__main__":
    sys.exit(main())
