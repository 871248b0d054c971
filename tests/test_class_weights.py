"""core.training.class_weights: from text to one number a class, or one line that says what is wrong with it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from core.errors import InputError
from core.training.class_weights import ClassCounts, check_class_weights, class_weights

KNOWN = ClassCounts(("cat", "dog", "fox"), (6, 3, 1))


def refusal(call, *arguments):
    with pytest.raises(InputError) as caught:
        call(*arguments)
    text = str(caught.value)
    assert "\n" not in text and text.startswith("--class_weights")
    return text


@given(st.lists(st.integers(1, 500), min_size=1, max_size=8))
def test_balanced_weights_are_scikit_learns_and_an_image_counts_1_on_average(counts):
    known = ClassCounts(tuple(f"c{i}" for i in range(len(counts))), tuple(counts))
    weights = class_weights("auto", known)
    targets = np.repeat(np.arange(len(counts)), counts)
    assert weights == pytest.approx(compute_class_weight("balanced", classes=np.arange(len(counts)), y=targets))
    assert np.array(weights)[targets].mean() == pytest.approx(1)
    assert class_weights("sqrt", known) == pytest.approx([math.sqrt(weight) for weight in weights])


@pytest.mark.parametrize("text", ["auto", "sqrt"])
def test_a_class_without_training_images_has_weight_0_and_changes_no_other(text):
    known = ClassCounts.of(("a", "b", "c"), ["a", "a", "c"])
    assert known.counts == (2, 0, 1)
    first, none, last = class_weights(text, known)
    assert none == 0 and (first, last) == pytest.approx(class_weights(text, ClassCounts(("a", "c"), (2, 1))))


@given(st.lists(st.just(0.0) | st.floats(1e-6, 1e6), min_size=3, max_size=3).filter(any), st.permutations(range(3)))
def test_numbers_in_class_order_and_names_in_any_say_the_same(numbers, order):
    assert class_weights(",".join(map(str, numbers)), KNOWN) == tuple(numbers)
    assert class_weights(",".join(f"{KNOWN.classes[i]}={numbers[i]}" for i in order), KNOWN) == tuple(numbers)


def test_classes_that_are_not_named_count_1():
    assert class_weights("dog=2.5", KNOWN) == (1, 2.5, 1)
    assert class_weights(" fox = 0 , cat=3,", KNOWN) == (3, 1, 0)


def test_names_are_the_labels_texts():
    known = ClassCounts(("a,b", "c=1", "007", "é"), (1, 1, 1, 1))
    assert class_weights("a,b=2,c=1=3,007=4,é=5", known) == (2, 3, 4, 5)
    assert "no class '7'" in refusal(class_weights, "7=2", known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["''", "auto, sqrt"]),
        ("1,,2", ["'1,,2'", "no number"]),
        ("Auto", ["number 1 is 'Auto'", "auto, sqrt"]),
        ("1,x,2", ["number 2 is 'x'"]),
        ("1,nan,2", ["'nan'"]),
        ("1,inf,2", ["'inf'"]),
        ("1,-1,2", ["number 2 is '-1'"]),
        ("1,1e-7,2", ["from 1e-06 to 1e+06"]),
        ("1,2e6,2", ["from 1e-06 to 1e+06"]),
        ("0,0,0", ["all are 0"]),
        ("cat=", ["'cat'", "''"]),
        ("cat=a", ["'cat'", "'a'"]),
        ("cat=1,dog", ["dog: is not name=number"]),
        ("=1", ["is not name=number"]),
        ("cat=1,cat=2", ["'cat'", "named twice"]),
        ("a\nb=x", [r"'a\nb'"]),
    ],
)
def test_what_is_wrong_for_any_classes(text, words):
    for line in (refusal(check_class_weights, text), refusal(class_weights, text, KNOWN)):
        assert all(word in line for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,2", ["2 numbers for 3 classes", "cat, dog, fox"]),
        ("1,2,3,4", ["4 numbers for 3 classes"]),
        ("cow=2", ["no class 'cow'", "cat, dog, fox"]),
        ("Cat=2", ["no class 'Cat'"]),
        ("cat=0,dog=0,fox=0", ["every class with training images has weight 0"]),
    ],
)
def test_what_is_wrong_for_these_classes(text, words):
    check_class_weights(text)
    assert all(word in refusal(class_weights, text, KNOWN) for word in words)


def test_a_weight_for_a_class_without_images_does_not_make_the_others_count():
    assert "has weight 0" in refusal(class_weights, "0,0,2", ClassCounts(("a", "b", "c"), (3, 3, 0)))


@given(st.text(max_size=20) | st.text("0123.,=-eabc \n", max_size=20))
def test_any_text_is_weights_or_one_line(text):
    try:
        weights = class_weights(text, KNOWN)
    except InputError as error:
        assert str(error).startswith("--class_weights") and "\n" not in str(error)
    else:
        check_class_weights(text)
        assert len(weights) == 3 and any(weights) and all(w == 0 or 1e-6 <= w <= 1e6 for w in weights)
