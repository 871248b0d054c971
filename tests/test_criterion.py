"""Every loss of torch is usable or refused with its reason, is torch's own to the bit, and the mean over parts is that of the whole."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional

from core.errors import InputError
from core.task import KINDS, SINGLE_LABEL
from core.training import losses
from core.training.class_weights import ClassCounts
from core.training.criterion import build_criterion, check_loss
from core.training.fit import train_one_epoch
from core.training.settings import OptimizationSettings
from core.training.states import load_state
from tests.tiny_competition import train
from tests.tiny_training import labelled_images, make_learner, same

ALL_LOSSES = sorted(name for name in dir(nn) if name.endswith("Loss"))
LOSSES = tuple(losses.LOSSES[SINGLE_LABEL])
SMOOTHED = ("CrossEntropyLoss", "NLLLoss", "FocalLoss")
WEIGHED = (*SMOOTHED, "MultiMarginLoss")
LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.0, 0.25, -0.5]])
TARGETS = torch.tensor([0, 2])
KNOWN = ClassCounts(("cat", "dog", "fox"), (6, 3, 1))


def settings(name="CrossEntropyLoss", **fields):
    return OptimizationSettings(loss_func=name, **fields)


def built(name="CrossEntropyLoss", known=KNOWN, **fields):
    return build_criterion(settings(name, **fields), known)


def refusal(call, *arguments, **fields):
    with pytest.raises(InputError) as caught:
        call(*arguments, **fields)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_no_loss_of_torch_is_forgotten_and_each_refusal_has_its_reason(kind):
    taken = losses.LOSSES[kind]
    assert set(taken) - set(ALL_LOSSES) <= {"FocalLoss"}
    for name in set(ALL_LOSSES) - set(taken):
        text = refusal(check_loss, settings(name), kind)
        assert "no such loss" not in text, "a new loss of torch: accept it or give the reason"
        assert f"--loss_func {name}: it " in text and next(iter(taken)) in text


@pytest.mark.parametrize(
    ("typed", "near"), [("CrossEntropy", "CrossEntropyLoss"), ("nllloss", "NLLLoss"), ("MultiMarginLos", "MultiMarginLoss")]
)
def test_an_unknown_loss_gets_near_names(typed, near):
    assert near in refusal(built, typed)


@pytest.mark.parametrize("name", ["Module", "Linear", "Sequential", "", "functional", "__name__", "Focal"])
def test_what_is_no_loss_is_refused(name):
    refusal(built, name)


def by_hand(name):
    """The mean loss of LOGITS for TARGETS, from the formula."""
    rows = [(row, int(t)) for row, t in zip(LOGITS.tolist(), TARGETS, strict=True)]
    if name in ("CrossEntropyLoss", "NLLLoss"):
        return sum(math.log(sum(map(math.exp, row))) - row[t] for row, t in rows) / len(rows)
    if name == "FocalLoss":
        chances = [math.exp(row[t]) / sum(map(math.exp, row)) for row, t in rows]
        return sum(-((1 - p) ** 2) * math.log(p) for p in chances) / len(rows)
    if name == "MultiMarginLoss":
        return sum(sum(max(0, 1 - row[t] + row[j]) for j in range(3) if j != t) / 3 for row, t in rows) / len(rows)
    terms = [math.log1p(math.exp(-x if j == t else x)) for row, t in rows for j, x in enumerate(row)]
    return sum(terms) / len(terms)


@pytest.mark.parametrize("name", LOSSES)
def test_each_accepted_loss_has_the_value_by_hand(name):
    loss = built(name)(LOGITS, TARGETS)
    assert loss.shape == () and loss.item() == pytest.approx(by_hand(name), abs=1e-6)


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("name", LOSSES)
def test_each_accepted_loss_rewards_the_right_class_for_any_batch_size(name, size):
    mean_loss = built(name)
    targets = torch.arange(size) % 3
    right = nn.functional.one_hot(targets, 3).float() * 4
    assert mean_loss(right, targets) < mean_loss(right.roll(1, dims=1), targets)
    logits = torch.randn(size, 3, generator=torch.Generator().manual_seed(0))
    parts = [mean_loss(logits[i : i + 1], targets[i : i + 1]) for i in range(size)]
    assert mean_loss(logits, targets).item() == pytest.approx(sum(parts).item() / size, abs=1e-5)


SOFT = torch.tensor([[0.7, 0.3, 0.0], [0.0, 0.25, 0.75]])
MIXED_LOSSES = [name for name in LOSSES if name != "MultiMarginLoss"]


def soft_by_hand(name):
    """The mean loss of LOGITS for SOFT, from the formula."""
    rows = list(zip(LOGITS.tolist(), SOFT.tolist(), strict=True))
    terms = [(x, share, math.exp(x) / sum(map(math.exp, row))) for row, shares in rows for x, share in zip(row, shares, strict=True)]
    if name in ("CrossEntropyLoss", "NLLLoss"):
        return sum(-share * math.log(p) for _, share, p in terms) / len(rows)
    if name == "FocalLoss":
        return sum(-share * (1 - p) ** 2 * math.log(p) for _, share, p in terms) / len(rows)
    return sum(share * math.log1p(math.exp(-x)) + (1 - share) * math.log1p(math.exp(x)) for x, share, _ in terms) / len(terms)


@pytest.mark.parametrize("name", MIXED_LOSSES)
def test_targets_of_mixed_images_have_the_loss_by_hand(name):
    loss = built(name)(LOGITS, SOFT)
    assert loss.shape == () and loss.item() == pytest.approx(soft_by_hand(name), abs=1e-6)


@pytest.mark.parametrize("name", MIXED_LOSSES)
@given(st.integers(1, 7), st.integers(2, 5), st.integers(0, 99))
def test_a_mixed_target_of_one_class_alone_is_that_class(name, size, classes, seed):
    generator, mean_loss = torch.Generator().manual_seed(seed), built(name)
    logits, targets = 3 * torch.randn(size, classes, generator=generator), torch.randint(classes, (size,), generator=generator)
    soft = mean_loss(logits, nn.functional.one_hot(targets, classes).float())
    assert soft.item() == pytest.approx(mean_loss(logits, targets).item(), abs=1e-5)


@pytest.mark.parametrize("name", MIXED_LOSSES)
@given(st.integers(1, 7), st.floats(0, 1), st.integers(0, 99))
def test_the_loss_of_a_mixed_target_is_the_losses_mixed(name, size, share, seed):
    generator, mean_loss = torch.Generator().manual_seed(seed), built(name)
    logits = torch.randn(size, 3, generator=generator)
    own, other = (torch.randint(3, (size,), generator=generator) for _ in range(2))
    mixed = share * nn.functional.one_hot(own, 3).float() + (1 - share) * nn.functional.one_hot(other, 3).float()
    expected = share * mean_loss(logits, own) + (1 - share) * mean_loss(logits, other)
    assert mean_loss(logits, mixed).item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("name", MIXED_LOSSES)
def test_the_gradient_of_a_mixed_target_is_finite_and_favors_its_classes(name):
    logits = torch.zeros(1, 3, requires_grad=True)
    built(name)(logits, torch.tensor([[0.6, 0.4, 0.0]])).backward()
    assert torch.isfinite(logits.grad).all() and logits.grad[0, 0] < logits.grad[0, 1] < logits.grad[0, 2]


def test_the_loss_that_takes_no_mixed_targets_still_takes_none():
    """Why a plan refuses MultiMarginLoss with mixup or cutmix."""
    with pytest.raises(RuntimeError):
        built("MultiMarginLoss")(LOGITS, SOFT)


@pytest.mark.parametrize("name", MIXED_LOSSES)
@pytest.mark.parametrize("mixing", [{"mixup": 0.4}, {"cutmix": 1.0}, {"mixup": 0.4, "cutmix": 1.0}])
def test_each_loss_trains_on_mixed_images(name, mixing):
    learner, plain = make_learner(loss_func=name, **mixing), make_learner(loss_func=name)
    images = labelled_images(16)
    before = copy.deepcopy(learner.model.state_dict())
    train_one_epoch(learner, images, 0)
    train_one_epoch(plain, images, 0)
    after = learner.model.state_dict()
    assert all(torch.isfinite(weights).all() for weights in after.values())
    assert not same(before, after) and not same(plain.model.state_dict(), after)


# --- torch's own, to the bit

SOME = torch.randn(17, 3, generator=torch.Generator().manual_seed(0))
SOME_TARGETS = torch.randint(3, (17,), generator=torch.Generator().manual_seed(1))
SOME_MIXED = torch.softmax(torch.randn(17, 3, generator=torch.Generator().manual_seed(2)), dim=1)


def with_gradient(function, targets):
    logits = SOME.clone().requires_grad_()
    loss = function(logits, targets)
    loss.backward()
    return [loss.detach(), logits.grad]


@pytest.mark.parametrize("targets", [SOME_TARGETS, SOME_MIXED], ids=["classes", "mixed"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, (0.3, 2.0, 1.7)])
@pytest.mark.parametrize("name", ["CrossEntropyLoss", "NLLLoss"])
def test_cross_entropy_is_torchs_to_the_bit(name, weights, smoothing, targets):
    own = built(name, class_weights=weights and ",".join(map(str, weights)), label_smoothing=smoothing)
    theirs = nn.CrossEntropyLoss(None if weights is None else torch.tensor(weights), label_smoothing=smoothing)
    assert same(with_gradient(own, targets), with_gradient(theirs, targets))


@pytest.mark.parametrize("weights", [None, (0.3, 2.0, 1.7)])
def test_negative_log_likelihood_and_margin_are_torchs_to_the_bit(weights):
    tensor, text = (None, None) if weights is None else (torch.tensor(weights), ",".join(map(str, weights)))
    likelihood, margin = nn.NLLLoss(tensor), nn.MultiMarginLoss(weight=tensor)
    assert same(
        with_gradient(built("NLLLoss", class_weights=text), SOME_TARGETS),
        with_gradient(lambda logits, targets: likelihood(functional.log_softmax(logits, dim=1), targets), SOME_TARGETS),
    )
    assert same(with_gradient(built("MultiMarginLoss", class_weights=text), SOME_TARGETS), with_gradient(margin, SOME_TARGETS))


@pytest.mark.parametrize("name", ["BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"])
def test_losses_of_one_hot_targets_are_torchs_to_the_bit(name):
    theirs = getattr(nn, name)()
    one_hot = functional.one_hot(SOME_TARGETS, 3).float()
    assert same(with_gradient(built(name), SOME_TARGETS), with_gradient(theirs, one_hot))
    assert same(with_gradient(built(name), SOME_MIXED), with_gradient(theirs, SOME_MIXED))


# --- focal loss


def test_the_focal_loss_by_hand():
    """Lin et al. 2017, eq. 5: a (1 - p)^gamma (-log p), for two images of a chance of 3/4 and 1/2 each."""
    logits, targets = torch.log(torch.tensor([[3.0, 1.0], [1.0, 1.0]])), torch.tensor([0, 1])
    known = ClassCounts(("a", "b"), (1, 1))
    easy, hard = 0.25**2 * -math.log(0.75), 0.5**2 * -math.log(0.5)
    assert built("FocalLoss", known)(logits, targets).item() == pytest.approx((easy + hard) / 2, abs=1e-7)
    weighed = built("FocalLoss", known, class_weights="1,3")
    assert weighed(logits, targets).item() == pytest.approx((easy + 3 * hard) / 4, abs=1e-7)
    sharp = built("FocalLoss", known, focal_gamma=5.0)
    assert sharp(logits, targets).item() == pytest.approx((0.25**5 * -math.log(0.75) + 0.5**5 * -math.log(0.5)) / 2, abs=1e-7)
    mixed = built("FocalLoss", known, class_weights="1,3")(logits[:1], torch.tensor([[0.5, 0.5]]))
    assert mixed.item() == pytest.approx(0.5 * easy + 0.5 * 3 * 0.75**2 * -math.log(0.25), abs=1e-7)


@st.composite
def batches(draw):
    """(logits, targets, whether they are mixed, number of classes)."""
    size, classes, mixed = draw(st.integers(1, 9)), draw(st.integers(2, 5)), draw(st.booleans())
    generator = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    logits = draw(st.sampled_from([0.1, 3.0, 30.0])) * torch.randn(size, classes, generator=generator)
    targets = torch.randint(classes, (size,), generator=generator)
    shares = torch.softmax(3 * torch.randn(size, classes, generator=generator), dim=1)
    return logits, targets, shares if mixed else None, classes


WEIGHTS = st.none() | st.lists(st.sampled_from([0.0, 0.2, 1.0, 3.5]), min_size=5, max_size=5)


def recipe(weights, classes, **fields):
    """Fields of the settings and the classes that they are for; the first weight is above 0."""
    text = None if weights is None else ",".join(map(str, [weights[0] or 1.0, *weights[1:classes]]))
    return fields | {"class_weights": text, "known": ClassCounts(tuple("abcde"[:classes]), (1,) * classes)}


@given(batches(), WEIGHTS, st.sampled_from([0.0, 0.1, 0.7]))
def test_focal_loss_of_gamma_zero_is_cross_entropy(batch, weights, smoothing):
    logits, targets, shares, classes = batch
    fields = recipe(weights, classes, label_smoothing=smoothing)
    given_targets = targets if shares is None else shares
    focal, plain = built("FocalLoss", focal_gamma=0.0, **fields), built("CrossEntropyLoss", **fields)
    assert focal(logits, given_targets).item() == pytest.approx(plain(logits, given_targets).item(), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 80.0])
@pytest.mark.parametrize("target", [0, 1])
def test_the_slope_of_a_sure_image_is_finite(gamma, target):
    """Where a chance is 1 in single precision, a power below 1 has an infinite slope."""
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    loss = built("FocalLoss", focal_gamma=gamma)(logits, torch.tensor([target]))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()
    assert (loss.item() == 0) == (target == 0)


# --- parts and the whole


@pytest.mark.parametrize("name", LOSSES)
@given(st.data())
def test_the_weighted_mean_of_any_parts_is_the_mean_of_the_whole(name, data):
    logits, targets, shares, classes = data.draw(batches())
    fields = recipe(data.draw(WEIGHTS) if name in WEIGHED else None, classes)
    fields["label_smoothing"] = data.draw(st.sampled_from([0.0, 0.1, 0.7])) if name in SMOOTHED else 0.0
    mean_loss = built(name, **fields)
    mixed = shares is not None and name != "MultiMarginLoss"
    given_targets = shares if mixed else targets
    cuts = sorted(data.draw(st.sets(st.integers(1, max(len(targets) - 1, 1)))) - {len(targets)})
    parts = [slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(targets)], strict=True)]
    share = [mean_loss.weight(targets[part].numpy(), mixed) / mean_loss.weight(targets.numpy(), mixed) for part in parts]
    whole = mean_loss(logits, given_targets).item()
    together = sum(mean_loss(logits[part], given_targets[part]).item() * s for part, s in zip(parts, share, strict=True))
    assert math.isfinite(whole) and together == pytest.approx(whole, rel=1e-5, abs=1e-6)


def test_the_weight_of_images():
    targets = np.array([0, 2, 2])
    assert built().weight(targets) == 3
    weighed = built(class_weights="1,2.5,4")
    assert weighed.weight(targets) == 9 and weighed.weight(targets, mixed=True) == 3
    assert built("MultiMarginLoss", class_weights="1,2.5,4").weight(targets) == 3
    assert type(weighed.weight(targets)) is type(built().weight(targets)) is float


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", SMOOTHED)
def test_images_of_a_class_of_weight_0_count_for_nothing(name, smoothing):
    mean_loss = built(name, class_weights="dog=0", label_smoothing=smoothing)
    keep = SOME_TARGETS != 1
    whole, kept = mean_loss(SOME, SOME_TARGETS), mean_loss(SOME[keep], SOME_TARGETS[keep])
    assert whole.item() == pytest.approx(kept.item(), abs=1e-6)
    logits = SOME[:2].clone().requires_grad_()
    nothing = mean_loss(logits, torch.tensor([1, 1]))
    nothing.backward()
    assert nothing.item() == 0 and not logits.grad.any()
    assert 0 < mean_loss.weight(np.array([1, 1])) < 1e-20


# --- class weights


def test_auto_is_balanced_as_in_scikit_learn_and_counts_what_is_trained_on():
    labels = ["cat"] * 6 + ["dog"] * 3 + ["fox"]
    known = ClassCounts.of(("cat", "dog", "fox"), labels)
    expected = compute_class_weight("balanced", classes=np.array(["cat", "dog", "fox"]), y=np.array(labels))
    assert built(known=known, class_weights="auto").class_weights == pytest.approx(tuple(expected))
    assert built(known=known, class_weights="sqrt").class_weights == pytest.approx(tuple(np.sqrt(expected)))


def test_class_weights_are_moved_once_and_serve_training_also_where_an_evaluation_came_first():
    mean_loss = built(class_weights="auto")
    with torch.inference_mode():
        mean_loss(SOME, SOME_TARGETS)
    (first,) = mean_loss._placed.values()
    logits = SOME.clone().requires_grad_()
    mean_loss(logits, SOME_TARGETS).backward()
    assert logits.grad.any() and mean_loss._weights_beside(logits) is first
    assert mean_loss == built(class_weights="auto")  # whatever it was used for
    assert mean_loss._weights_beside(SOME.to("meta")).device.type == "meta"
    assert mean_loss(SOME.double(), SOME_TARGETS).dtype == torch.float64


# --- refusals


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in SMOOTHED])
def test_losses_without_label_smoothing_refuse_it(name):
    text = refusal(check_loss, settings(name, label_smoothing=0.1), SINGLE_LABEL)
    assert text.startswith("--label_smoothing 0.1: ") and name in text and "CrossEntropyLoss, NLLLoss, FocalLoss" in text


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in WEIGHED])
def test_losses_whose_weights_are_not_of_images_refuse_them(name):
    text = refusal(check_loss, settings(name, class_weights="auto"), SINGLE_LABEL)
    assert text.startswith("--class_weights: ") and name in text and "MultiMarginLoss" in text


@pytest.mark.parametrize("gamma", [0.0, 2.0])
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "FocalLoss"])
def test_gamma_is_for_the_focal_loss(name, gamma):
    text = refusal(check_loss, settings(name, focal_gamma=gamma), SINGLE_LABEL)
    assert text.startswith(f"--focal_gamma {gamma:g}: ") and name in text and "--loss_func FocalLoss" in text


def test_class_weights_that_are_wrong_for_any_classes_are_told_before_these_are_known():
    assert "'cat' is 'x'" in refusal(check_loss, settings(class_weights="cat=x"), SINGLE_LABEL)
    check_loss(settings(class_weights="cow=2"), SINGLE_LABEL)


@pytest.mark.parametrize("name", LOSSES)
def test_what_is_built_without_options_passes_the_check(name):
    check_loss(settings(name), SINGLE_LABEL)
    assert built(name) == built(name) and built(name).class_weights is None


# --- the command


@pytest.mark.parametrize(
    "flags",
    [
        ["--loss_func", "FocalLoss", "--label_smoothing", "0.1", "--class_weights", "auto", "--mixup", "0.4"],
        ["--loss_func", "FocalLoss", "--focal_gamma", "0.5", "--class_weights", "cat=2,fox=0"],
        ["--label_smoothing", "0.1", "--class_weights", "sqrt"],
        ["--loss_func", "MultiMarginLoss", "--class_weights", "1,2.5,0"],
    ],
)
def test_a_run_has_finite_figures_and_goes_on_with_the_same_options_only(fresh, flags, capsys):
    assert train(fresh, "--num_epochs", "1", *flags) == 0
    state = load_state(fresh.state_path("net", "last"))
    record = state["history"][0]
    assert all(math.isfinite(value) for part in ("train", "valid") for value in record[part].values())
    assert state["settings"]["optimization"]["class_weights"] == flags[flags.index("--class_weights") + 1]
    capsys.readouterr()
    assert train(fresh, "--num_epochs", "2", *flags, "--class_weights", "3,2,1", "--resume") == 2
    assert "--class_weights 3,2,1: " in capsys.readouterr().err
    assert train(fresh, "--num_epochs", "2", *flags, "--resume") == 0


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--label_smoothing", "1"], ["--label_smoothing", ">= 0 and < 1"]),
        (["--label_smoothing", "0.1", "--loss_func", "BCEWithLogitsLoss"], ["--label_smoothing 0.1", "BCEWithLogitsLoss has none"]),
        (["--focal_gamma", "2"], ["--focal_gamma 2", "--loss_func FocalLoss"]),
        (["--focal_gamma", "-1", "--loss_func", "FocalLoss"], ["--focal_gamma", ">= 0"]),
        (["--class_weights", "cat=2,cow=1"], ["--class_weights", "'cow'", "cat, dog, fox"]),
        (["--class_weights", "1,2"], ["--class_weights 1,2", "2 numbers for 3 classes", "cat, dog, fox"]),
        (["--class_weights", "cat=nan"], ["--class_weights", "'cat'", "'nan'"]),
        (["--class_weights", "auto", "--loss_func", "BCEWithLogitsLoss"], ["--class_weights", "BCEWithLogitsLoss"]),
    ],
)
def test_wrong_flags_are_one_line(fresh, capsys, flags, words):
    assert train(fresh, *flags) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and all(word in line for word in words)
    assert not list(fresh.states_dir.glob("*.pt"))
