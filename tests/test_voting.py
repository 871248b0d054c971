"""The vote is what most members say; its properties hold for all members that could be."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ensembling import METHODS, voting
from core.ensembling.voting import majority_vote, tied_rows, voted
from core.errors import InputError
from core.prediction.predictions import Predictions

CLASSES = ("a", "b", "c", "d")


@st.composite
def members(draw: st.DrawFn, probabilities: bool | None = None) -> list[Predictions]:
    count, size = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    ids = [f"n{i}" for i in range(size)]
    with_probabilities = draw(st.booleans()) if probabilities is None else probabilities
    made = []
    for _ in range(count):
        if with_probabilities:
            weights = draw(st.lists(st.lists(st.integers(1, 4), min_size=4, max_size=4), min_size=size, max_size=size))
            values = np.array(weights, dtype=float)
            made.append(Predictions.from_probabilities(ids, CLASSES, values / values.sum(axis=1, keepdims=True)))
        else:
            codes = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
            made.append(Predictions(ids, CLASSES, np.array(codes)))  # type: ignore[arg-type]
    return made


def as_dict(predictions: Predictions) -> dict[str, str]:
    return dict(zip(predictions.id_texts(), predictions.label_texts(), strict=True))


def by_hand(given_members: list[Predictions], row: int) -> str:
    """The rule, written for one row and nothing else."""
    votes = Counter(member.label_texts()[row] for member in given_members)
    tied = sorted(name for name, count in votes.items() if count == max(votes.values()))
    if all(member.probabilities is not None for member in given_members):
        sums = {name: math.fsum(m.probabilities[row, CLASSES.index(name)] for m in given_members) for name in tied}  # type: ignore[index]
        tied = [name for name in tied if sums[name] == max(sums.values())]
    return tied[0]


@given(members())
def test_the_vote_is_the_plurality(given_members: list[Predictions]) -> None:
    assert majority_vote(given_members).label_texts() == [by_hand(given_members, row) for row in range(len(given_members[0]))]


@given(members())
def test_the_vote_is_always_a_label_that_someone_cast(given_members: list[Predictions]) -> None:
    cast = zip(*(member.label_texts() for member in given_members), strict=True)
    assert all(label in ballots for label, ballots in zip(majority_vote(given_members).label_texts(), cast, strict=True))


@given(members(), st.randoms())
def test_the_order_of_the_members_does_not_matter(given_members: list[Predictions], random: Any) -> None:
    shuffled = random.sample(given_members, len(given_members))
    assert as_dict(majority_vote(shuffled)) == as_dict(majority_vote(given_members))


@given(members(), st.integers(1, 5))
def test_copies_of_one_member_give_it_back(given_members: list[Predictions], copies: int) -> None:
    member = given_members[0]
    assert majority_vote([member] * copies).label_texts() == member.label_texts()


@given(members(), st.randoms())
def test_a_permutation_of_rows_changes_nothing(given_members: list[Predictions], random: Any) -> None:
    ids = given_members[0].id_texts()
    moved = [member.aligned_to(random.sample(ids, len(ids))) for member in given_members]
    assert as_dict(majority_vote(moved)) == as_dict(majority_vote(given_members))


@given(members())
def test_tied_rows_are_those_with_two_classes_at_the_top(given_members: list[Predictions]) -> None:
    expected = []
    for ballots in zip(*(member.label_texts() for member in given_members), strict=True):
        counts = sorted(Counter(ballots).values())
        expected.append(len(counts) > 1 and counts[-1] == counts[-2])
    assert tied_rows(given_members).tolist() == expected


@given(members())
def test_blocks_do_not_show(given_members: list[Predictions]) -> None:
    whole = majority_vote(given_members).label_texts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voting, "_BLOCK_ROWS", 2)
        assert majority_vote(given_members).label_texts() == whole


@given(members(), st.data())
def test_a_weight_counts_as_so_many_votes(given_members: list[Predictions], data: st.DataObject) -> None:
    counts = [data.draw(st.integers(0, 3)) for _ in given_members]
    counts[0] += 1
    many = [member for member, count in zip(given_members, counts, strict=True) for _ in range(count)]
    known = [member.probabilities for member in given_members if member.probabilities is not None]
    labels = voted([member.labels for member in given_members], known or None, [count / sum(counts) for count in counts])
    assert labels.tolist() == majority_vote(many).labels.tolist()


def test_shares_that_differ_by_rounding_tie() -> None:
    assert 0.1 + 0.2 > 0.3
    ballots = [np.array([1]), np.array([1]), np.array([0])]
    assert voted(ballots, None, [0.1, 0.2, 0.3]).tolist() == [0]
    assert voted(ballots, [np.array([[0.4, 0.6]])] * 3, [0.1, 0.2, 0.3]).tolist() == [1]


def one(probabilities: list[float]) -> Predictions:
    return Predictions.from_probabilities(["x"], CLASSES[: len(probabilities)], np.array([probabilities]))


def test_a_vote_has_no_probabilities() -> None:
    assert majority_vote([one([0.6, 0.4])]).probabilities is None


def test_a_class_without_a_vote_never_wins_a_tie() -> None:
    assert majority_vote([one([0.51, 0.0, 0.49]), one([0.0, 0.51, 0.49])]).label_texts() == ["a"]


def test_sums_are_exactly_rounded() -> None:
    """Added up from the left, 0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1: the order of the members would decide."""
    assert 0.1 + 0.2 + 0.3 > 0.3 + 0.2 + 0.1
    rows = [(0.3, 0.1), (0.2, 0.2), (0.1, 0.3), (0.0, 0.0)]
    votes = [
        Predictions(["x"], ("a", "b", "c"), np.array([i % 2]), np.array([[a, b, 1 - a - b]]))  # type: ignore[arg-type]
        for i, (a, b) in enumerate(rows)
    ]
    assert majority_vote(votes).label_texts() == majority_vote(votes[::-1]).label_texts() == ["a"]


def test_probabilities_decide_a_tie_only_where_everybody_has_them() -> None:
    sure, unsure = one([0.1, 0.9]), one([0.6, 0.4])
    assert majority_vote([sure, unsure]).label_texts() == ["b"]
    assert majority_vote([sure, unsure.recoded(["a", "b"], [0, 1])]).label_texts() == ["a"]


def test_members_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(InputError, match="classes differ"):
        majority_vote([one([0.6, 0.4]), one([0.6, 0.4, 0.0])])
    with pytest.raises(InputError, match="missing"):
        majority_vote([one([0.6, 0.4]), Predictions(["y"], ("a", "b"), np.array([0]))])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="without members"):
        majority_vote([])


def test_many_members_and_many_classes_are_counted_without_overflow() -> None:
    classes = tuple(map(str, range(256)))
    votes = [Predictions(["x"], classes, np.array([255 if i < 260 else 1])) for i in range(500)]  # type: ignore[arg-type]
    assert majority_vote(votes).label_texts() == ["255"]


def test_the_registry_names_it() -> None:
    assert METHODS["vote"].gives_labels
