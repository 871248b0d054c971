"""core.ensembling.nested: whatever is chosen is chosen on other rows than it is judged on."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ensembling import METHODS as REGISTRY
from core.ensembling.evaluation import Chosen, Evaluation, choose_best
from core.ensembling.gain import Draws, Figures
from core.ensembling.method import Method
from core.ensembling.nested import evaluate
from core.errors import InputError, NonFiniteError
from core.evaluation.cuts import best_cuts
from core.metrics import METRICS
from core.prediction.decisions import decided
from core.task import Task
from tests.panels import rare, tuned
from tests.simulated_members import GREEDY, MEAN, RANKS, THREE, TWO, VOTE, fitting_for, judged_of, panel_of, signals, two_columns

METHODS = {"mean": MEAN, "greedy": GREEDY}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr("core.ensembling.gain.affordable_resamples", lambda metric, predicted: 50)


def three_classes(seed, count=60, members=3, groups=None):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, count)
    values = [rng.dirichlet(np.ones(3), count) + 0.7 * np.eye(3)[targets] * rng.random((count, 1)) for _ in range(members)]
    return judged_of(THREE, targets, [one / one.sum(axis=1, keepdims=True) for one in values], groups=groups)


def by_hand(judged, metric, method):
    """The nested score of a method of values, fold by fold."""
    predicted = np.zeros_like(judged.panel.values[0])
    for fold in np.unique(judged.folds):
        held, others = judged.folds == fold, judged.folds != fold
        plan = method.fit(judged.of_rows(others), fitting_for(metric)) if method.fit else {}
        predicted[held] = method.combine(judged.panel.of_rows(held), plan)
    return METRICS[metric].function(judged.targets, METRICS[metric].used(judged.targets, predicted))


# --- what is judged ---


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["accuracy", "log_loss", "roc_auc", "macro_f1"]), st.integers(0, 100))
def test_nested_scores_are_those_worked_out_by_hand(metric, seed):
    judged = three_classes(seed)
    found = evaluate(judged, METHODS, fitting_for(metric))
    for name, method in METHODS.items():
        assert found.methods[name].score.value == pytest.approx(by_hand(judged, metric, method))
    sign = 1 if METRICS[metric].greater_is_better else -1
    for judgment in found.methods.values():
        assert judgment.gain.value == pytest.approx(sign * (judgment.score.value - found.single.value))
        assert judgment.gain.count == 60 and 0 <= judgment.probability <= 1


def test_the_single_of_each_fold_is_the_best_of_the_others():
    targets = np.arange(100) % 2
    right, wrong = two_columns(targets * 0.8 + 0.1), two_columns(0.9 - targets * 0.8)
    halves = [np.where((np.arange(100) % 5 < 2)[:, None], right, wrong), np.where((np.arange(100) % 5 >= 2)[:, None], right, wrong)]
    found = evaluate(judged_of(TWO, targets, halves), {"mean": MEAN}, fitting_for("accuracy"))
    # a is right in the folds 0 and 1, b in 2, 3 and 4; without one of b's folds they are equal, and the first by name is taken
    assert found.choices == {0: "b", 1: "b", 2: "a", 3: "a", 4: "a"}
    assert found.single.value == 0 and found.best_member == "b"
    assert (found.members["a"].value, found.members["b"].value) == pytest.approx((0.4, 0.6))


def test_no_row_has_a_part_in_what_it_is_judged_by():
    seen = []

    def fit(judged, fitting):
        seen.append(frozenset(judged.panel.ids.tolist()))
        return {"rows": sorted(judged.panel.ids.tolist())}

    def combine(panel, plan):
        assert not set(plan["rows"]) & set(panel.ids.tolist())
        return panel.values[0]

    judged = three_classes(0)
    evaluate(judged, {"one": Method(combine, "", fit), "two": Method(combine, "", fit)}, fitting_for("accuracy"), with_best=True)
    folds = {fold: frozenset(np.flatnonzero(judged.folds == fold).tolist()) for fold in range(5)}
    every = frozenset(range(60))
    assert set(seen) == {every - folds[i] - folds[j] for i in range(5) for j in range(5)}


def test_targets_of_a_fold_change_nothing_that_is_chosen_for_it():
    judged = signals(1, 60)
    given_before = []
    spy = replace(GREEDY, combine=lambda panel, plan: given_before.append((panel.ids.tolist(), plan)) or GREEDY.combine(panel, plan))
    evaluate(judged, {"greedy": spy}, fitting_for("accuracy"))
    before = [plan for ids, plan in given_before if 0 in ids]
    targets = np.where(judged.folds == 0, 1 - judged.targets, judged.targets)
    given_before.clear()
    found = evaluate(replace(judged, targets=targets), {"greedy": spy}, fitting_for("accuracy"))
    assert [plan for ids, plan in given_before if 0 in ids] == before
    assert found.choices[0] == evaluate(judged, {"greedy": GREEDY}, fitting_for("accuracy")).choices[0]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.sampled_from(["accuracy", "roc_auc"]))
def test_best_takes_in_each_fold_the_method_that_is_best_on_the_others(seed, metric):
    judged = signals(seed, 60, members=3)
    found = evaluate(judged, METHODS, fitting_for(metric), with_best=True)
    for fold, taken in found.best_choices.items():
        others = judged.of_rows(np.flatnonzero(judged.folds != fold))
        scores = {name: by_hand(others, metric, method) for name, method in METHODS.items()}
        assert scores[taken] == max(scores.values())
    if len(set(found.best_choices.values())) == 1:
        assert found.best.score == found.methods[found.best_choices[0]].score


def test_a_choice_that_is_not_asked_for_is_not_judged():
    found = evaluate(signals(0, 60), METHODS, fitting_for("accuracy"))
    assert found.best is None and found.best_choices == {}


def test_best_of_one_method_is_that_method():
    found = evaluate(signals(0, 60), {"greedy": GREEDY}, fitting_for("accuracy"), with_best=True)
    assert found.best == found.methods["greedy"] and set(found.best_choices.values()) == {"greedy"}


# --- cuts ---


@pytest.mark.parametrize(
    ("task", "metric"),
    [(TWO, "macro_f1"), (Task(("0", "1", "2"), "ordinal"), "quadratic_kappa"), (Task(("x", "y"), "multi_label"), "macro_f1")],
)
def test_cuts_are_tuned_on_the_other_folds(task, metric):
    rng = np.random.default_rng(0)
    k = len(task.classes)
    targets = rng.integers(0, 2, (80, k)) if task.kind == "multi_label" else rng.integers(0, k, 80)
    truth = targets if task.kind == "multi_label" else np.eye(k)[targets]
    values = [0.3 * truth + 0.7 * rng.dirichlet(np.ones(k), 80) for _ in range(2)]
    judged = judged_of(task, targets, values, folds=4)
    found = evaluate(judged, {"mean": MEAN}, replace(fitting_for(metric), tune=partial(best_cuts, task, metric=metric)))
    for name, one in [("a", values[0]), ("b", values[1]), ("mean", np.mean(values, axis=0))]:
        answers = np.zeros_like(targets)
        for fold in range(4):
            held = judged.folds == fold
            answers[held] = decided(task, one[held], best_cuts(task, targets[~held], one[~held], metric))
        score = found.members[name] if name in found.members else found.methods[name].score
        assert score.value == pytest.approx(METRICS[metric].function(targets, answers))
    taken = np.zeros_like(targets)
    for fold in range(4):
        held, one = judged.folds == fold, values["ab".index(found.choices[fold])]
        taken[held] = decided(task, one[held], best_cuts(task, targets[~held], one[~held], metric))
    assert found.single.value == pytest.approx(METRICS[metric].function(targets, taken))
    plain = evaluate(judged, {"mean": MEAN}, fitting_for(metric))
    assert plain.members["a"].value == pytest.approx(METRICS[metric].function(targets, decided(task, values[0])))


@pytest.mark.parametrize("name", ["vote", "weighted_vote", "weighted_mean", "greedy", "stacking"])
def test_what_a_method_fits_is_fitted_for_the_cuts_that_it_is_used_with(name):
    judged, method = rare(2), REGISTRY[name]
    by = tuned(judged.panel.task, "macro_f1")
    found = evaluate(judged, {name: method}, by)
    answers = np.zeros_like(judged.targets)
    for fold in range(4):
        held, seen = judged.folds == fold, judged.of_rows(np.flatnonzero(judged.folds != fold))
        plan = method.fit(seen, by)
        own = method.combine(judged.panel.of_rows(held), plan)
        cuts = None if method.gives_labels else by.tune(seen.targets, method.combine(seen.panel, plan))
        answers[held] = own if method.gives_labels else decided(judged.panel.task, own, cuts)
    assert found.methods[name].score.value == pytest.approx(METRICS["macro_f1"].function(judged.targets, answers))


# --- invariances ---


def same(one: Evaluation, other: Evaluation) -> None:
    assert (one.best_member, one.best_method, one.choices, one.best_choices) == (
        other.best_member,
        other.best_method,
        other.choices,
        other.best_choices,
    )
    for mine, theirs in [(one.members[name], other.members[name]) for name in one.members] + [(one.single, other.single)]:
        assert (mine.value, mine.low, mine.high) == pytest.approx((theirs.value, theirs.low, theirs.high), nan_ok=True)
    for name, judgment in one.methods.items():
        assert judgment.probability == other.methods[name].probability
        assert judgment.gain.low == pytest.approx(other.methods[name].gain.low, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.sampled_from(["accuracy", "macro_f1", "roc_auc"]), st.sampled_from([1, 5]), st.booleans())
def test_the_order_of_rows_does_not_matter(seed, metric, folds, grouped):
    judged = three_classes(seed, groups=np.arange(60) // 3 if grouped else None)
    judged = replace(judged, folds=judged.groups % folds)
    order = np.random.default_rng(seed).permutation(60)
    one, other = (evaluate(rows, METHODS, fitting_for(metric), with_best=True) for rows in (judged, judged.of_rows(order)))
    same(one, other)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(4)), st.integers(0, 100))
def test_the_order_of_members_does_not_matter_but_for_ties(order, seed):
    judged = three_classes(seed, members=4)
    one, other = (evaluate(rows, {"mean": MEAN}, fitting_for("log_loss")) for rows in (judged, judged.of_members(order)))
    same(one, other)


def test_the_result_is_a_function_of_inputs_and_seed():
    judged = replace(signals(3, 60), folds=np.zeros(60, dtype=int))
    one, again, other = (evaluate(judged, METHODS, fitting_for("accuracy", seed), with_best=True) for seed in (1, 1, 2))
    assert one == again and one.single != other.single


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.integers(0, 2))
def test_a_copy_of_a_member_changes_no_nested_best_single(seed, copied):
    judged = three_classes(seed)
    more = replace(judged, panel=panel_of(THREE, [*judged.panel.values, judged.panel.values[copied]]))
    one, other = (evaluate(rows, {"mean": MEAN}, fitting_for("accuracy")) for rows in (judged, more))
    assert (one.single, one.choices, one.best_member) == (other.single, other.choices, other.best_member)


def test_singles_of_other_scales_are_compared_by_their_order_where_only_that_counts():
    rng = np.random.default_rng(0)
    targets, folds = np.arange(200) % 2, np.arange(200) // 2 % 5
    second = 1 / (1 + np.exp(-2 * targets - rng.standard_normal(200)))
    spoiled = [two_columns(second.copy()), two_columns(second / 1000)]  # the same order, at quite another place
    spoiled[0][folds == 0], spoiled[1][folds == 1] = two_columns(np.full(40, 0.5)), two_columns(np.full(40, 0.0005))
    judged = replace(judged_of(TWO, targets, spoiled), folds=folds)
    found = evaluate(judged, {"mean": MEAN}, fitting_for("roc_auc"))
    assert len(set(found.choices.values())) == 2
    same_scale = replace(judged, panel=panel_of(TWO, [spoiled[0], two_columns(spoiled[1][:, 1] * 1000)]))
    other = evaluate(same_scale, {"mean": MEAN}, fitting_for("roc_auc"))
    assert found.single.value == pytest.approx(other.single.value)


# --- the interval's width ---


def test_gains_are_widened_where_something_was_chosen():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 200)
    sure, unsure = two_columns(targets * 0.8 + 0.1), two_columns(rng.random(200))

    def widths(values):
        found = evaluate(judged_of(TWO, targets, values), METHODS, fitting_for("log_loss"))
        assert set(found.choices.values()) == {"a"}
        return {name: judgment.gain.high - judgment.gain.low for name, judgment in found.methods.items()}

    def plain(values, best):
        draws = Draws(np.arange(200), 50, 0)
        figures = [Figures(METRICS["log_loss"], targets, one, draws) for one in (np.mean(values, axis=0), best)]
        gain = figures[0].over(figures[1]).gain
        return gain.high - gain.low

    assert widths([sure, unsure])["mean"] == pytest.approx(plain([sure, unsure], sure))
    places = np.arange(200) // 5  # in its fold: in every fold the first is better on 21 of 40 rows, and as much worse on the others
    doubtful = [two_columns(0.5 + (targets - 0.5) * np.where((places < 21) == is_first, 0.8, 0.4)) for is_first in (True, False)]
    assert widths(doubtful)["mean"] == pytest.approx(1.401 * plain(doubtful, doubtful[0]), rel=1e-3)


# --- parts ---


def test_rows_of_one_fold_are_dealt_and_that_is_said():
    found = evaluate(replace(signals(0, 60), folds=np.full(60, 7)), METHODS, fitting_for("accuracy"), with_best=True)
    assert len(found.choices) == 5 and "dealt into 5 parts" in found.notes[0]


def test_two_folds_leave_one_to_choose_on_and_that_is_said():
    found = evaluate(signals(0, 60, folds=2), METHODS, fitting_for("accuracy"), with_best=True)
    assert len(found.choices) == 2 and "two folds leave one" in found.notes[0]
    assert evaluate(signals(0, 60, folds=2), METHODS, fitting_for("accuracy")).notes == ()
    assert evaluate(signals(0, 60, folds=2), {"mean": MEAN}, fitting_for("accuracy"), with_best=True).notes == ()


def test_few_groups_are_said():
    found = evaluate(three_classes(0, groups=np.arange(60) // 6), {"mean": MEAN}, fitting_for("accuracy"))
    assert "10 groups only" in found.notes[0]
    assert "19 groups only" in evaluate(signals(0, 19), {"mean": MEAN}, fitting_for("accuracy")).notes[0]
    assert evaluate(signals(0, 20), {"mean": MEAN}, fitting_for("accuracy")).notes == ()


# --- what cannot serve ---


def test_label_files_take_part_where_labels_are_judged():
    judged = signals(0, 60, members=3)
    labels = [one.argmax(axis=1) for one in judged.panel.values]
    some = replace(judged, panel=panel_of(TWO, [None, *judged.panel.values[1:]], labels))
    found = evaluate(some, {"vote": VOTE}, fitting_for("accuracy"))
    assert found.members == evaluate(judged, {"mean": MEAN}, fitting_for("accuracy")).members
    votes = (np.mean(labels, axis=0) > 0.5).astype(int)
    assert found.methods["vote"].score.value == METRICS["accuracy"].function(judged.targets, votes)
    for metric, methods, named in [
        ("log_loss", {"mean": MEAN}, "a: holds labels only"),
        ("accuracy", {"mean": MEAN}, "a holds labels only"),
    ]:
        with pytest.raises(InputError, match=named):
            evaluate(some, methods, fitting_for(metric))


@pytest.mark.parametrize(
    ("method", "metric", "reason"),
    [
        (VOTE, "log_loss", "gives labels only"),
        (VOTE, "roc_auc", "gives labels only"),
        (RANKS, "log_loss", "gives ranks"),
        (RANKS, "accuracy", "gives ranks"),
        (replace(MEAN, kinds=("regression",)), "accuracy", "is not for binary tasks"),
    ],
)
def test_a_method_that_cannot_serve_is_refused(method, metric, reason):
    with pytest.raises(InputError, match=f"--method it: {reason}"):
        evaluate(signals(0, 40), {"it": method}, fitting_for(metric))


def test_ranks_serve_what_only_looks_at_the_order():
    assert evaluate(signals(0, 60), {"ranks": RANKS}, fitting_for("roc_auc")).methods["ranks"].score.value > 0.5


def test_too_little_is_refused():
    with pytest.raises(InputError, match="1 members"):
        evaluate(signals(0, 40, members=1), METHODS, fitting_for("accuracy"))
    with pytest.raises(InputError, match="are one group"):
        evaluate(three_classes(0, groups=np.zeros(60, dtype=int)), METHODS, fitting_for("accuracy"))
    with pytest.raises(InputError, match="no method to judge"):
        evaluate(signals(0, 40), {}, fitting_for("accuracy"))
    with pytest.raises(InputError, match="one group; no method can be chosen"):
        evaluate(
            judged_of(TWO, np.arange(6) % 2, [two_columns(np.full(6, 0.5))] * 2, 2, np.arange(6) % 2),
            METHODS,
            fitting_for("accuracy"),
            True,
        )
    with pytest.raises(NonFiniteError, match="NaN or infinity"):
        evaluate(signals(0, 40), {"nan": Method(lambda panel, plan: panel.values[0] * math.nan, "")}, fitting_for("accuracy"))


def test_a_regression_is_judged_by_its_numbers():
    rng = np.random.default_rng(0)
    targets = rng.standard_normal(100)
    judged = judged_of(Task((), "regression"), targets, [(targets + rng.standard_normal(100))[:, None] for _ in range(4)])
    found = evaluate(judged, METHODS, fitting_for("rmse"), with_best=True)
    assert found.methods["mean"].score.value == pytest.approx(np.square(targets - np.mean(judged.panel.values, axis=0)[:, 0]).mean() ** 0.5)
    assert found.methods["mean"].gain.low > 0 and choose_best(found) == Chosen(found.best_method, False)


# --- what to submit ---


def test_an_ensemble_of_members_that_err_on_their_own_is_taken():
    found = evaluate(signals(0), METHODS, fitting_for("accuracy"), with_best=True)
    assert choose_best(found) == Chosen(found.best_method, False) and found.methods["mean"].gain.low > 0
