"""core.training.opening: a run made ready from its plan: in which order things are checked, how a run goes on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.data.labelled import Part
from core.data.settings import AugmentationSettings, PreprocessingSettings
from core.errors import CommandError, InputError
from core.training import opening as run_module
from core.training.history import EpochRecord
from core.training.opening import open_run
from core.training.plan import RunPlan
from core.training.settings import OptimizationSettings, RunSettings, RuntimeSettings
from core.training.states import load_state, save_state
from tests.tiny_competition import NET
from tests.tiny_training import same


def plan_for(workspace, force=False, optimization=None, **run):
    defaults = {"batch_size": 16, "num_epochs": 3, "save_graph": False}
    return RunPlan(
        workspace.root / "net.py",
        RunSettings(**(defaults | run)),
        optimization or OptimizationSettings(learning_rate=0.01),
        PreprocessingSettings(resize=8),
        AugmentationSettings(),
        RuntimeSettings(device="cpu", num_workers=0),
        force=force,
    )


def record(epoch, value, metric="macro_f1"):
    figures = {"loss": 1.0, "accuracy": 0.5, "macro_f1": 0.5, "log_loss": 1.0}
    return EpochRecord(epoch, figures, figures | {metric: value}, wall_seconds=2.0)


def refusal(error, *arguments):
    with pytest.raises(CommandError) as caught:
        open_run(*arguments)
    assert type(caught.value) is error, caught.value
    return str(caught.value)


def test_a_new_run(fresh):
    run = open_run(fresh, plan_for(fresh))
    assert run.epochs_left == range(3) and run.history == [] and run.best is None and run.replaced == []
    assert len(run.notes) == 1 and "decoded images: " in run.notes[0]
    assert len(run.train) == len(run.valid) == 33 and not set(run.train.ids) & set(run.valid.ids)
    assert run.train.num_rows == 66 and sorted([*run.train.rows, *run.valid.rows]) == list(range(66))
    assert run.learner.model.training
    pixels = run.train.images.take(run.train.rows * 0 + 1)
    assert pixels.shape == (33, 1, 8, 8) and pixels.dtype.name == "uint8"


def test_first_weights_are_a_function_of_the_seed(fresh):
    def weights(seed):
        torch.manual_seed(torch.seed() % 1000)
        return dict(open_run(fresh, plan_for(fresh, seed=seed)).learner.model.state_dict())

    assert same(weights(3), weights(3)) and not same(weights(3), weights(4))


def test_going_on_takes_up_everything(finished):
    state = load_state(finished.state_path("net", "last"))
    run = open_run(finished, plan_for(finished, load_state="net_last"))
    assert run.epochs_left == range(2, 3) and len(run.history) == 2 and run.best == state["best"]
    assert same(dict(run.learner.model.state_dict()), state["model_state"])
    assert same(run.learner.optimizer.state_dict(), state["optimizer_state"])
    assert list(run.learner.batch_maker.normalization.mean) == state["normalization"]["mean"]
    assert run.notes[1:] == ["going on from net_last.pt, 2 epochs completed"]


def test_a_new_run_from_weights_has_its_own_everything(finished):
    run = open_run(finished, plan_for(finished, load_state="net", model_title="b"))
    assert run.history == [] and run.best is None and run.learner.optimizer.state_dict()["state"] == {}
    assert same(dict(run.learner.model.state_dict()), load_state(finished.state_path("net", "best"))["model_state"])


def test_a_best_state_that_is_gone_is_told_and_chosen_anew(finished):
    path = finished.state_path("net", "last")
    state = load_state(path)
    save_state(path, state | {"best": state["best"] | {"epoch": 1}})
    finished.state_path("net", "best").unlink()
    run = open_run(finished, plan_for(finished, load_state="net_last"))
    assert run.best is None and "is gone" in run.notes[1]
    assert run.add(record(3, 0.01))


def test_a_state_that_is_the_best_itself_stands_in_for_a_best_state_that_was_not_written(finished):
    """A process was killed after it had written the one and before it wrote the other."""
    finished.state_path("net", "best").unlink()
    run = open_run(finished, plan_for(finished, load_state="net_last"))
    assert run.best == load_state(finished.state_path("net", "last"))["best"] and run.best["epoch"] == 2
    assert finished.state_path("net", "best") in run.states_due(finished)


@pytest.fixture
def nothing_decoded(monkeypatch):
    def fail(*_, **__):
        pytest.fail("images were decoded before the check")

    monkeypatch.setattr(run_module, "open_run_images", fail)


def test_wrong_input_is_told_before_images_are_decoded(finished, nothing_decoded):
    sgd, none = OptimizationSettings(optimizer="SGD"), OptimizationSettings(optimizer="LBFGS")
    assert "--optimizer SGD" in refusal(InputError, finished, plan_for(finished, load_state="net_last", optimization=sgd))
    assert "LBFGS" in refusal(InputError, finished, plan_for(finished, optimization=none))
    assert "no such state" in refusal(InputError, finished, plan_for(finished, load_state="nothing"))
    other = finished.root / "other.py"
    other.write_text(NET.replace("8, 3", "9, 3").replace("(8)", "(9)").replace("72", "81"))
    plan = replace(plan_for(finished, load_state="net_last", model_title="b"), model_path=other)
    assert "features.0.weight" in refusal(InputError, finished, plan)
    assert "no such model file" in refusal(InputError, finished, replace(plan, model_path=Path("none.py")))


def test_a_state_of_other_classes_is_refused(finished, nothing_decoded):
    path = finished.state_path("net", "last")
    state = load_state(path)
    save_state(path, state | {"task": {"kind": "single_label", "classes": ["cat", "fox", "dog"]}})
    text = refusal(InputError, finished, plan_for(finished, load_state="net_last", force=True))
    assert "['cat', 'fox', 'dog']" in text and "['cat', 'dog', 'fox']" in text


def test_class_weights_are_of_the_images_that_are_fitted_on(fresh, monkeypatch):
    plain = run_module.read_parts

    def skewed(*arguments):
        """All cats, two dogs and no fox to fit on."""
        parts = plain(*arguments)
        labels = parts.train.labels
        kept = [i for i, label in enumerate(labels) if label == "cat" or (label == "dog" and labels[:i].count("dog") < 2)]
        return replace(parts, train=Part(*([column[i] for i in kept] for column in (labels, parts.train.records, parts.train.rows))))

    monkeypatch.setattr(run_module, "read_parts", skewed)
    run = open_run(fresh, plan_for(fresh, optimization=OptimizationSettings(class_weights="auto"), max_samples=8))
    cats, dogs, foxes = np.bincount(run.train.targets, minlength=3)
    assert (cats + dogs, foxes) == (8, 0) and cats != dogs
    assert run.learner.criterion.class_weights == pytest.approx((8 / (2 * cats), 8 / (2 * dogs), 0))


def test_too_few_images(fresh, monkeypatch):
    plain = run_module.read_parts
    monkeypatch.setattr(run_module, "read_parts", lambda *a: replace(plain(*a), train=plain(*a).train.subset(1, 0)))
    assert "1 images to fit on" in refusal(InputError, fresh, plan_for(fresh))
