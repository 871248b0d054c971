"""core.training.ema: the average is the one of the formula, and it is what evaluates, is chosen by, and predicts."""

import copy
import csv
import importlib.util

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from core.data.preprocessing import Preprocessing
from core.tables import read_table
from core.training.ema import Ema, weights_to_use
from core.training.fit import evaluate, fit
from core.training.states import load_state
from scripts import predict_classes
from tests.tiny_competition import CLASSES, copy_workspace, train, untrained
from tests.tiny_training import TinyNet, labelled_images, make_learner, same

TRAIN, VALID = labelled_images(41), labelled_images(19, seed=1)


def linear(value):
    module = nn.Linear(1, 1, bias=False)
    nn.init.constant_(module.weight, value)
    return module


def set_to(module, value):
    nn.init.constant_(module.weight, value)
    return module


# --- the average


def test_an_average_by_hand():
    """d after n steps: 2/11, then 3/12 but for the decay of 0.2."""
    module = linear(0.0)
    ema = Ema(module, 0.2)
    ema.update(set_to(module, 11.0))
    assert float(ema.module.weight) == pytest.approx(9.0)  # 2/11 * 0 + 9/11 * 11
    ema.update(set_to(module, 4.0))
    assert float(ema.module.weight) == pytest.approx(5.0)  # 0.2 * 9 + 0.8 * 4
    assert ema.updates == 2 and float(module.weight.detach()) == 4.0


@given(st.floats(0, 0.9999), st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_an_average_is_that_of_the_formula(decay, values):
    module = linear(1.0)
    ema, expected = Ema(module, decay), 1.0
    for n, value in enumerate(values, 1):
        ema.update(set_to(module, value))
        d = min(decay, (1 + n) / (10 + n))
        expected = d * expected + (1 - d) * value
    assert float(ema.module.weight) == pytest.approx(expected, abs=1e-4)
    low, high = min([1.0, *values]), max([1.0, *values])
    assert low - 1e-4 <= float(ema.module.weight) <= high + 1e-4


def test_the_average_of_a_run_is_over_what_each_step_left(monkeypatch):
    """Of weights and float buffers; whole numbers are those of the last step."""
    seen, plain = [], Ema.update

    def noted(self, module):
        seen.append(copy.deepcopy(dict(module.state_dict())))
        plain(self, module)

    monkeypatch.setattr(Ema, "update", noted)
    learner = make_learner(ema=0.6, batch_size=8)
    expected = {name: value.double() for name, value in copy.deepcopy(dict(learner.module.state_dict())).items()}
    list(fit(learner, TRAIN, VALID, range(2)))
    for n, values in enumerate(seen, 1):
        d = min(0.6, (1 + n) / (10 + n))
        expected = {name: d * value + (1 - d) * values[name].double() for name, value in expected.items()}
    found = learner.rule.ema.module.state_dict()
    assert len(seen) == learner.rule.ema.updates == 10
    assert same(seen[-1], dict(learner.module.state_dict())), "the average is taken after the step"
    counted = [name for name, value in found.items() if not value.is_floating_point()]
    assert counted == ["features.1.num_batches_tracked"] and int(found[counted[0]]) == 10
    for name in found.keys() - set(counted):
        assert torch.allclose(found[name].double(), expected[name], atol=1e-5), name
        assert not torch.equal(found[name], learner.module.state_dict()[name]), name


def test_weights_that_are_shared_are_averaged_once_and_stay_shared():
    module = nn.Sequential(linear(0.0), linear(0.0))
    module[1].weight = module[0].weight
    ema = Ema(module, 0.5)
    set_to(module[0], 11.0)
    ema.update(module)
    assert ema.module[0].weight is ema.module[1].weight and float(ema.module[0].weight) == pytest.approx(9.0)


def test_the_average_is_a_model_of_its_own():
    module = TinyNet()
    ema = Ema(module, 0.9)
    assert same(dict(ema.module.state_dict()), dict(module.state_dict()))
    assert not any(p.requires_grad for p in ema.module.parameters()) and all(p.requires_grad for p in module.parameters())
    assert not ema.module.training and module.training
    assert not {t.data_ptr() for t in module.state_dict().values()} & {t.data_ptr() for t in ema.module.state_dict().values()}


def test_frozen_weights_stay_what_they_are():
    module = TinyNet()
    ema, before = Ema(module, 0.9), copy.deepcopy(dict(module.state_dict()))
    for _ in range(20):
        ema.update(module)
    assert same(dict(ema.module.state_dict()), before)


def test_an_average_goes_on_from_its_state():
    module = linear(0.0)
    ema, other = Ema(module, 0.9), Ema(linear(3.0), 0.9)
    for value in (1.0, 2.0, 5.0):
        ema.update(set_to(module, value))
    other.load_state_dict(copy.deepcopy(ema.state_dict()))
    for one in (ema, other):
        one.update(set_to(module, 7.0))
    assert same(dict(ema.module.state_dict()), dict(other.module.state_dict())) and ema.updates == other.updates == 4


def test_which_weights_of_a_state_predict():
    assert weights_to_use({"model_state": {"w": 1}, "ema_state": None}) == {"w": 1}
    assert weights_to_use({"model_state": {"w": 1}, "ema_state": {"updates": 3, "weights": {"w": 2}}}) == {"w": 2}


# --- who uses it


def test_training_is_the_same_with_an_average_beside_it():
    runs = [make_learner(), make_learner(ema=0.9)]
    records = [list(fit(learner, TRAIN, VALID, range(2))) for learner in runs]
    assert same(dict(runs[0].module.state_dict()), dict(runs[1].module.state_dict()))
    assert [r.train for r in records[0]] == [r.train for r in records[1]]
    assert [r.valid for r in records[0]] != [r.valid for r in records[1]]


def test_an_average_without_memory_is_the_model_itself():
    runs = [make_learner(), make_learner(ema=0.0)]
    records = [list(fit(learner, TRAIN, VALID, range(2))) for learner in runs]
    assert same(dict(runs[1].judge.state_dict()), dict(runs[0].module.state_dict()))
    assert [r.valid for r in records[0]] == [r.valid for r in records[1]]


def test_the_average_is_what_is_evaluated():
    learner = make_learner(ema=0.9)
    (record,) = fit(learner, TRAIN, VALID, range(1))
    judge, plain = make_learner(seed=1), make_learner(seed=2)
    judge.module.load_state_dict(learner.rule.ema.module.state_dict())
    plain.module.load_state_dict(learner.module.state_dict())
    assert record.valid == evaluate(judge, VALID).figures != evaluate(plain, VALID).figures
    assert learner.judge is learner.rule.ema.module and not learner.judge.training and learner.module.training


@pytest.fixture(scope="module")
def averaged(tmp_path_factory):
    workspace = copy_workspace(untrained(), tmp_path_factory.mktemp("ema") / "w")
    assert train(workspace, "--num_epochs", "4", "--ema", "0.9", "--metric", "log_loss", "--save_state", "--rotate", "5") == 0
    return workspace


def by_hand(workspace, state, weights, paths):
    """Probabilities of images without the project's own loading, batches and inference."""
    specification = importlib.util.spec_from_file_location("by_hand", workspace.root / "net.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    net = module.Net(3, 1).eval()
    net.load_state_dict(weights)
    decode, normalization = Preprocessing.from_plain(state["preprocessing"]), state["normalization"]
    pixels = torch.from_numpy(np.stack([decode(path) for path in paths])).double() / 255
    inputs = (pixels - normalization["mean"][0]) / normalization["std"][0]
    with torch.no_grad():
        return torch.softmax(net(inputs.float()).double(), dim=1).numpy()


def probabilities(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["Image"] for row in rows], np.array([[float(row[f"p:{name}"]) for name in CLASSES] for row in rows])


@pytest.mark.parametrize("name", ["net_last", "net_best", "net_1"])
def test_predictions_are_those_of_the_averaged_weights(averaged, name):
    command = [str(averaged.root / "net.py"), "--workspace", str(averaged.root), "--weights", name, "--force"]
    assert predict_classes.main(command) == 0
    ids, found = probabilities(averaged.outputs_dir / f"{name}.probabilities.csv")
    state = load_state(averaged.states_dir / f"{name}.pt")
    paths = [averaged.data_dir / "test_images" / f"img_{i}.png" for i in ids]
    assert np.abs(found - by_hand(averaged, state, state["ema_state"]["weights"], paths)).max() < 1e-6
    assert np.abs(found - by_hand(averaged, state, state["model_state"], paths)).max() > 1e-3


def test_held_out_rows_and_the_best_state_are_those_of_the_averaged_weights(averaged):
    ids, found = probabilities(averaged.oof_path("net"))
    last, best = (load_state(averaged.state_path("net", name)) for name in ("last", "best"))
    paths = [averaged.data_dir / "train_images" / f"img_{i}.png" for i in ids]
    assert np.abs(found - by_hand(averaged, last, last["ema_state"]["weights"], paths)).max() < 1e-6
    truth = [CLASSES.index(label) for label in read_table(averaged.oof_path("net")).column("target")]
    p = by_hand(averaged, best, best["ema_state"]["weights"], paths)
    losses = [record["valid"]["log_loss"] for record in last["history"]]
    assert best["epochs"] == last["best"]["epoch"] == 1 + int(np.argmin(losses))
    assert last["best"]["value"] == pytest.approx(-np.log(p[np.arange(len(p)), truth]).mean(), abs=1e-6)


def test_a_new_run_begins_from_the_averaged_weights(averaged, tmp_path, capsys):
    from core.training.opening import open_run
    from tests.test_opening import plan_for

    run = open_run(averaged, plan_for(averaged, load_state="net_last", model_title="b"))
    state = load_state(averaged.state_path("net", "last"))
    assert same(dict(run.learner.module.state_dict()), state["ema_state"]["weights"]) and run.learner.rule.ema is None
