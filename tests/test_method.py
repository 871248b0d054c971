"""What holds for every method of the registry."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ensembling import METHODS
from core.ensembling.method import Plan
from core.ensembling.panel import JudgedPanel, labels_of
from core.errors import InputError
from core.task import KINDS, ORDINAL, SINGLE_LABEL
from tests.panels import SOME_METRICS, fitting, judged_panels, made, metric_for, reread

ALL = sorted(METHODS)
every_method = pytest.mark.parametrize("name", ALL)
few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
ALIKE = ("mean", "weighted_mean", "geometric", "power", "median", "greedy", "hill_climbing", "vote", "weighted_vote")


def kinds_of(name: str) -> tuple[str, ...]:
    kinds = METHODS[name].kinds
    return tuple(kind for kind in kinds if kind not in (SINGLE_LABEL, ORDINAL)) if METHODS[name].gives_ranks else kinds


def planned(name: str, judged: JudgedPanel, data: st.DataObject) -> Plan:
    fit = METHODS[name].fit
    return {} if fit is None else fit(judged, metric_for(data.draw, judged))


def shuffled_members(judged: JudgedPanel, data: st.DataObject) -> JudgedPanel:
    return judged.of_members(data.draw(st.permutations(range(len(judged.panel.names)))))


@every_method
@few
@given(data=st.data())
def test_the_order_of_members_does_not_matter(name: str, data: st.DataObject) -> None:
    judged = data.draw(judged_panels(kinds_of(name), 7))
    other, fit = shuffled_members(judged, data), METHODS[name].fit
    plans: list[Plan] = [{}, {}]
    if fit is not None:
        by = metric_for(data.draw, judged)
        plans = [fit(judged, by), fit(other, by)]
    assert plans[0] == plans[1]
    assert np.array_equal(METHODS[name].combine(judged.panel, plans[0]), METHODS[name].combine(other.panel, plans[1]))


@every_method
@few
@given(data=st.data())
def test_a_permutation_of_rows_changes_nothing(name: str, data: st.DataObject) -> None:
    judged = data.draw(judged_panels(kinds_of(name)))
    order = np.array(data.draw(st.permutations(range(len(judged)))))
    combine, plan = METHODS[name].combine, planned(name, judged, data)
    assert np.allclose(combine(judged.panel, plan)[order], combine(judged.panel.of_rows(order), plan), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in ALL if METHODS[name].fit])
@few
@given(data=st.data())
def test_fitting_does_not_look_at_the_order_of_rows(name: str, data: st.DataObject) -> None:
    judged, fit = data.draw(judged_panels(kinds_of(name))), METHODS[name].fit
    assert fit is not None
    by, order = metric_for(data.draw, judged), np.array(data.draw(st.permutations(range(len(judged)))))
    both = [METHODS[name].combine(judged.panel, fit(rows, by)) for rows in (judged, judged.of_rows(order))]
    assert np.allclose(*both, rtol=0, atol=1e-4 if name == "weighted_mean" else 1e-9)


@pytest.mark.parametrize("name", ALIKE)
@few
@given(data=st.data())
def test_copies_of_one_member_give_it_back(name: str, data: st.DataObject) -> None:
    judged = data.draw(judged_panels(kinds_of(name), 1))
    copies = judged.of_members([0] * data.draw(st.integers(2, 7)))
    names = tuple(f"copy{i}" for i in range(len(copies.panel.names)))
    copies = replace(copies, panel=replace(copies.panel, names=names))
    plan = planned(name, copies, data)
    found = METHODS[name].combine(copies.panel, plan)
    wanted = judged.panel.values[0]
    assert wanted is not None
    if METHODS[name].gives_labels:
        wanted = labels_of(judged.panel.task, wanted, plan.get("cuts", {}).get("copy0"))
    assert np.allclose(found, wanted, rtol=0, atol=1e-12)


@every_method
@few
@given(data=st.data())
def test_a_plan_survives_json_to_the_bit(name: str, data: st.DataObject) -> None:
    judged = data.draw(judged_panels(kinds_of(name)))
    plan, combine = planned(name, judged, data), METHODS[name].combine
    assert reread(plan) == plan
    assert np.array_equal(combine(judged.panel, plan), combine(judged.panel, reread(plan)))


@every_method
@few
@given(data=st.data())
def test_values_are_what_the_task_asks_for(name: str, data: st.DataObject) -> None:
    judged = data.draw(judged_panels(kinds_of(name)))
    task, values = judged.panel.task, METHODS[name].combine(judged.panel, planned(name, judged, data))
    if METHODS[name].gives_labels:
        assert values.shape == judged.panel.labels[0].shape
        return
    assert values.shape == (len(judged), task.num_outputs) and values.dtype == np.float64
    if task.kind in ("single_label", "binary", "ordinal"):
        assert np.allclose(values.sum(axis=1), 1, rtol=0, atol=1e-12)
    if task.classes:
        assert values.min() >= 0 and values.max() <= 1 + 1e-15


@every_method
def test_float32_members_are_summed_as_float64(name: str) -> None:
    kind = kinds_of(name)[0]
    judged, fit = made(kind, (1.0, 1.0, 1.0)), METHODS[name].fit
    small = replace(judged.panel, values=tuple(None if v is None else v.astype(np.float32) for v in judged.panel.values))
    plan = fit(judged, fitting(SOME_METRICS[kind][0])) if fit else {}
    wide = replace(small, values=tuple(None if v is None else v.astype(np.float64) for v in small.values))
    assert np.array_equal(METHODS[name].combine(small, plan), METHODS[name].combine(wide, plan))


@every_method
def test_members_with_labels_only_take_part_in_votes_alone(name: str) -> None:
    judged = made(kinds_of(name)[-1] if METHODS[name].gives_ranks else SINGLE_LABEL, (1.0, 2.0))
    bare = replace(judged, panel=replace(judged.panel, values=(judged.panel.values[0], None)))
    method, by = METHODS[name], fitting("log_loss")
    if method.gives_labels:
        assert method.combine(bare.panel, method.fit(bare, by) if method.fit else {}).shape == (60,)
        return
    with pytest.raises(InputError, match=f"--method {name}: .* m1 holds labels only"):
        method.combine(bare.panel, method.fit(bare, by) if method.fit else {})


def test_every_kind_of_task_has_methods_and_every_method_a_summary() -> None:
    for kind in KINDS:
        assert len([name for name in ALL if kind in METHODS[name].kinds]) >= 6
    assert all(METHODS[name].summary for name in ALL)
    assert METHODS["power"].default == {"power": 2.0}
