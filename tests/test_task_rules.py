"""core.data.task_rules: what kind of task a competition is, and why."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.label_texts import LabelTexts
from core.data.labels import LabelledIds
from core.data.settings import SplitSettings
from core.data.surroundings import Sample
from core.data.task_rules import Decision, decide_task, with_labels
from core.errors import InputError
from core.task import BINARY, MULTI_LABEL, ORDINAL, REGRESSION, SINGLE_LABEL, Task


def sample(*values: str, column: str = "label") -> Sample:
    return Sample(Path("s.csv"), ("id", column), [str(i) for i in range(len(values))], list(values))


def decide(labels: list[str], template: Sample | None = None, form: LabelTexts | None = None, **flags: str) -> Decision:
    ids = [str(i) for i in range(len(labels))]
    rows = LabelledIds(Path("t.csv"), ids, labels, list(range(2, len(labels) + 2)))
    return decide_task(rows, form or LabelTexts(labels), SplitSettings(**flags), template)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "template", "kind", "classes"),
    [
        (["0", "1"], sample("0.5"), BINARY, ("0", "1")),
        (["0", "1"], sample("0", "0"), BINARY, ("0", "1")),
        (["0", "1"], sample("0.0"), BINARY, ("0", "1")),
        (["0", "1"], sample("0", "1"), SINGLE_LABEL, ("0", "1")),
        (["0", "1"], sample("1", "1"), SINGLE_LABEL, ("0", "1")),
        (["0", "1"], None, SINGLE_LABEL, ("0", "1")),
        (["cat", "dog"], sample("0.5"), BINARY, ("cat", "dog")),
        (["cat", "dog"], sample("0"), BINARY, ("cat", "dog")),
        (["cat", "dog"], sample("cat"), SINGLE_LABEL, ("cat", "dog")),
        (["cat", "dog"], sample("0.5", column="is_cat"), BINARY, ("dog", "cat")),
        (["cat", "dog"], sample("0.5", column="dog"), BINARY, ("cat", "dog")),
        (["abnormal", "normal"], sample("0.5"), BINARY, ("normal", "abnormal")),
        (["negative", "positive"], None, BINARY, ("negative", "positive")),
        (["0", "1", "4"], sample("4"), SINGLE_LABEL, ("0", "1", "4")),
        (["a", "b", "c"], sample("a b c"), SINGLE_LABEL, ("a", "b", "c")),
        (["a", "b"], Sample(Path("s"), ("id", "a", "b"), ["1"], ["0.5"]), SINGLE_LABEL, ("a", "b")),
    ],
)
def test_the_kind_follows_from_labels_and_sample(labels: list[str], template: Sample | None, kind: str, classes: tuple[str, ...]) -> None:
    found = decide(labels, template)
    assert (found.task.kind, found.task.classes, found.labels) == (kind, classes, labels) and found.reason


def test_a_person_decides() -> None:
    assert decide(["0", "1"], sample("0.5"), task=SINGLE_LABEL).task.kind == SINGLE_LABEL
    assert decide(["0", "2", "10"], task=ORDINAL).task == Task(("0", "2", "10"), ORDINAL)
    assert decide(["1", "2"], task=REGRESSION).task == Task((), REGRESSION, center=1.5, scale=0.5)
    assert decide(["a b", "c"], task=MULTI_LABEL).task == Task(("a b", "c"), MULTI_LABEL, ",")
    assert decide(["a", "b"], task=BINARY).task == Task(("a", "b"), BINARY)


def test_columns_of_0_and_1() -> None:
    one = LabelTexts([], ("b", "a"), " ")
    assert decide(["a", "b", "a"], form=one).task == Task(("b", "a"))
    assert decide(["a", "b a"], form=one).task == Task(("b", "a"), MULTI_LABEL)
    assert decide(["a", ""], form=one).task.kind == MULTI_LABEL
    assert decide(["a", "b"], form=one, task=MULTI_LABEL).task.kind == MULTI_LABEL
    with pytest.raises(InputError, match="not exactly one class"):
        decide(["a", ""], form=one, task=SINGLE_LABEL)


def test_delimited_labels() -> None:
    assert decide(["1 10", "2", ""], form=LabelTexts([], None, " ")).task == Task(("1", "2", "10"), MULTI_LABEL)


@given(st.lists(st.integers(-(10**6), 10**6).map(lambda number: number / 8), min_size=1))
def test_numbers_are_centered_and_scaled(numbers: list[float]) -> None:
    labels = [repr(number) for number in numbers]
    task = decide(labels, form=LabelTexts(labels, numbers=True, reason="told")).task
    targets = task.encode(labels)[:, 0].astype(float)
    assert task.kind == REGRESSION and abs(targets.mean()) < 1e-3
    assert len(set(numbers)) > 1 or task.scale == 1


@given(st.lists(st.sampled_from("abcd"), min_size=2).filter(lambda labels: len(set(labels)) > 1), st.data())
def test_classes_together_are_the_positive_one(labels: list[str], data: st.DataObject) -> None:
    distinct = sorted(set(labels))
    chosen = data.draw(st.lists(st.sampled_from(distinct), min_size=1, max_size=len(distinct) - 1, unique=True))
    found = decide(labels, positive_class=",".join(chosen))
    negative, positive = found.task.classes
    assert found.task.kind == BINARY and [label == positive for label in found.labels] == [label in chosen for label in labels]
    assert positive == (chosen[0] if len(chosen) == 1 else "positive")
    assert negative in ("negative", *distinct)


def test_the_classes_of_a_part_are_those_that_occur_in_order() -> None:
    assert with_labels(Task(("b", "a", "c")), ["c", "b"]).classes == ("b", "c")
    assert with_labels(Task(("b", "a"), MULTI_LABEL), ["a"]).classes == ("b", "a")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"task": BINARY}, "there are 3 classes .a, b, c., not two"),
        ({"task": REGRESSION}, "t.csv, line 2: the label 'a' is no number"),
        ({"positive_class": "d"}, "no such class"),
        ({"positive_class": "a", "task": REGRESSION}, "say --task binary"),
    ],
)
def test_what_does_not_fit_is_refused(flags: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        decide(["a", "b", "c"], **flags)


def test_words_that_have_an_order_are_told_of() -> None:
    assert decide(["low", "high"], task=ORDINAL).warnings[0].endswith("that of their texts: high, low")
    assert decide(["0", "1"], task=ORDINAL).warnings == ()


def test_a_class_that_is_called_like_a_side_keeps_its_own() -> None:
    assert decide(["positive", "x", "y"], positive_class="x,y").task.classes == ("positive", "not positive")
    assert decide(["negative", "x", "y"], positive_class="negative").task.classes == ("not negative", "negative")


@pytest.mark.parametrize("values", [("-1", "1"), ("1", "1"), ("-1",)])
def test_two_classes_below_and_above_zero_are_classes(values: tuple[str, ...]) -> None:
    assert decide(["-1", "1", "1"], sample(*values)).task == Task(("-1", "1"))
    assert decide(["-1", "0", "1"], sample(*values)).task == Task(("-1", "0", "1"))
    assert decide(["-1", "1", "1"], sample("0.5")).task.kind == BINARY


def test_numbers_that_are_classes_of_few_images_may_be_quantities() -> None:
    ages = [str(20 + 2 * i) for i in range(24)]
    assert decide(ages).warnings[0].startswith("24 of 24 classes that are numbers have fewer than 5 images") and decide(ages).task.classes
    assert "--task regression" in decide(ages).warnings[0] and decide(ages, task=ORDINAL).warnings == ()
    assert decide(ages * 5).warnings == decide([f"c{age}" for age in ages]).warnings == decide(["0", "1", "2"]).warnings == ()
