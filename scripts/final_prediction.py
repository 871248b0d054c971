"""What training does for `--predict` and `--time_limit`: the test images predicted at its end, as predict_classes would."""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, RefusedError
from core.files import refuse_existing
from core.prediction.exchange import files_of_prediction
from core.processes import largest
from core.training.plan import RunPlan, parse_duration
from core.workspace import Workspace
from scripts import predict_classes
from scripts.command_line import progress_bar, say
from scripts.submission_file import form_of

if TYPE_CHECKING:
    from core.training.run import Run

_BATCHES_OF_A_TRIAL = 8
_LEAST_MARGIN, _LARGEST_MARGIN = 5.0, 60.0  # seconds for the last step, the state and the curves


class FinalPrediction:
    """The prediction at the end of a run."""

    def __init__(self, plan: RunPlan, workspace: Workspace) -> None:
        self._plan, self._workspace = plan, workspace

    def check(self) -> None:
        """Looks before anything is trained whether the end could be refused.

        Raises:
            InputError: there are no test images, they were changed, or the sample submission has a form that is not known.
            RefusedError: other predictions than this run's own stand in the way.
        """
        from core.data.competition import read_competition
        from core.data.labelled import read_test_records

        competition = read_competition(self._workspace)
        read_test_records(self._workspace, competition)
        if competition.template_path is not None:
            form_of(competition.template_path, competition.task, self._workspace, competition.label_column)
        for name in ("best", "last"):
            path = self._save_path(self._workspace.state_path(self._plan.title, name))
            for one in files_of_prediction(path):
                self._check_free(one, self._plan.force or self._is_own(path))

    def deadline(self, run: "Run", began: float) -> float:
        """When training has to end (`time.monotonic`) so that the test images can be predicted within `--time_limit` of `began`.

        Predicting is tried on a part of them, and twice the time that all would take is kept back, and a little for the last step and
        the curves.

        Raises:
            InputError: that leaves no time to train.
        """
        limit = parse_duration(self._plan.run.time_limit or "")
        seconds = self._trial(run)
        margin = min(max(_LEAST_MARGIN, limit / 100), _LARGEST_MARGIN)
        left = began + limit - 2 * seconds - margin - time.monotonic()
        if largest([-left], run.learner.accelerator.device)[0] >= 0:
            raise InputError(
                f"--time_limit {self._plan.run.time_limit}: leaves no time to train: predicting takes about {seconds:.0f} s, "
                f"and twice that and {margin:.0f} s are kept back"
            )
        say(f"--time_limit {self._plan.run.time_limit}: predicting takes about {seconds:.1f} s; training has {left:.0f} s")
        return time.monotonic() + left

    def write(self, run: "Run") -> None:
        """Predicts the test images with the run's best state, or with the last where no epoch was completed."""
        best, last = (self._workspace.state_path(self._plan.title, name) for name in ("best", "last"))
        state = best if run.best is not None and best.exists() else last
        arguments = self._arguments(state, run.learner.images_at_once)
        arguments.force = arguments.force or self._is_own(self._save_path(state))
        predict_classes.predict(arguments)

    def _arguments(self, state: Path, batch_size: int) -> argparse.Namespace:
        argv = [str(self._plan.model_path), "--weights", str(state), "--workspace", str(self._workspace.root)]
        arguments = predict_classes.build_parser().parse_args([*argv, "--batch_size", str(batch_size)])
        arguments.force = self._plan.force
        for name, value in {**vars(self._plan.runtime), **vars(self._plan.store)}.items():
            setattr(arguments, name, value)
        return arguments

    def _trial(self, run: "Run") -> float:
        """About how many seconds predicting the test images takes, from the first batches; what decodes them is decoded here for good."""
        from core.data.decoding import decoding_workers
        from core.data.labelled import read_test_records
        from core.data.store import StorePlace, open_images
        from core.prediction.inference import predict_logits

        records = read_test_records(self._workspace, run.competition)
        place = StorePlace(self._workspace.store_dir, self._plan.store, decoding_workers(self._plan.runtime.num_workers))
        images = open_images(place, run.competition.image_root, records, run.preprocessing, progress_bar).images
        maker, size = run.learner.batch_maker, run.learner.images_at_once
        few = images.choose(range(min(len(images), _BATCHES_OF_A_TRIAL * size)))
        begin = time.monotonic()
        predict_logits(run.learner.judge, few, maker.normalization, size, maker.device)
        return (time.monotonic() - begin) * len(images) / len(few)

    def _check_free(self, path: Path, force: bool) -> None:
        try:
            refuse_existing(path, force)
        except RefusedError as error:
            raise RefusedError(f"{path}: is not of the run {self._plan.title!r}: --force replaces it, or give a --model_title") from error

    def _save_path(self, state: Path) -> Path:
        return self._workspace.outputs_dir / f"{state.stem}.csv"

    def _is_own(self, path: Path) -> bool:
        """Whether a prediction file was made by a state of this run."""
        try:
            record = json.loads(path.with_suffix(".json").read_text("utf-8"))
            return bool(record["title"] == self._plan.title)
        except (OSError, ValueError, LookupError, TypeError):
            return False
