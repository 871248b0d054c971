"""core.data.hashing: all 8 symmetries from one transform, and copies told from other pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.hashing import INVERSE, SIDE, VIEWS, are_flat, coefficients, hashes, likeness, view
from tests.copies import CHANGES, SYMMETRIES, scene, symmetric, thumbnail

NONE_SMALL = np.array([False])


def coefs_of(*pictures: np.ndarray) -> np.ndarray:
    return coefficients(np.stack(pictures))


@pytest.mark.parametrize(("number", "name"), list(enumerate(VIEWS)))
@given(seed=st.integers(0, 10**6))
def test_views_are_what_their_names_say(number: int, name: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    coefs, turned = coefs_of(pixels), coefs_of(SYMMETRIES[name](pixels))
    assert np.allclose(view(coefs, number), turned, atol=1e-2)
    assert np.allclose(view(view(coefs, number), INVERSE[number]), coefs)
    assert np.bitwise_count(hashes(coefs)[0, number] ^ hashes(turned)[0, 0]) <= 1  # a coefficient may lie at the threshold


def test_views_differ() -> None:
    assert len(set(hashes(coefs_of(thumbnail(scene(0))))[0].tolist())) == 8


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("seed", range(5))
def test_copies_are_near_and_confirmed(change: str, seed: int) -> None:
    one, other = coefs_of(thumbnail(scene(seed))), coefs_of(thumbnail(CHANGES[change](scene(seed))))
    assert np.bitwise_count(hashes(one)[0, 0] ^ hashes(other)[0, 0]) <= 8
    assert likeness(one, other).confirms(0.9, NONE_SMALL).all()


def test_other_pictures_are_not_confirmed() -> None:
    coefs = coefs_of(*(thumbnail(scene(seed)) for seed in range(30)))
    first, second = np.triu_indices(30, 1)
    assert not likeness(coefs[first], coefs[second]).confirms(0.9, np.zeros(len(first), bool)).any()


def test_the_same_shapes_with_other_detail_are_no_copies() -> None:
    """X-rays of two patients: alike as a whole, not in the detail."""
    rng = np.random.default_rng(0)
    smooth = np.asarray(scene(0).resize((6, 6)).resize((SIDE, SIDE), 3)).astype(float)
    one, other = (np.clip(smooth + rng.normal(scale=8, size=smooth.shape), 0, 255).astype(np.uint8) for _ in range(2))
    alike = likeness(coefs_of(one), coefs_of(other))
    assert alike.whole[0] > 0.9 and alike.detail[0] < 0.2
    assert not alike.confirms(0.9, NONE_SMALL)[0]


def test_small_pictures_must_be_more_alike() -> None:
    """Below 32 pixels the detail is interpolated: two digits are alike in all that is left."""
    picture = scene(3)
    pixels = thumbnail(picture).astype(float)
    noisy = np.clip(pixels + np.random.default_rng(0).normal(scale=6, size=pixels.shape), 0, 255).astype(np.uint8)
    alike = likeness(coefs_of(thumbnail(picture)), coefs_of(noisy))
    assert alike.confirms(0.8, NONE_SMALL)[0] and not alike.confirms(0.8, ~NONE_SMALL)[0]


def test_pictures_without_detail_must_be_alike_as_a_whole() -> None:
    """What is left of their detail is the rounding of grey values, which two copies do not share."""
    waves = [np.cos(np.pi * (np.arange(SIDE) + 0.5) * frequency / SIDE) for frequency in (1, 2)]
    rng = np.random.default_rng(0)

    def picture(share: float) -> np.ndarray:
        noisy = 120 + 60 * waves[0][:, None] + share * 60 * waves[1][None] + rng.normal(scale=0.4, size=(SIDE, SIDE))
        return np.round(noisy).astype(np.uint8)

    one = coefs_of(picture(0))
    copy, other = likeness(one, coefs_of(picture(0))), likeness(one, coefs_of(picture(0.3)))
    assert copy.smooth[0] and abs(copy.detail[0]) < 0.5 and copy.confirms(0.9, NONE_SMALL)[0]
    assert other.smooth[0] and other.whole[0] > 0.9 and not other.confirms(0.9, NONE_SMALL)[0]


@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_pages_are_flat_and_their_likeness_is_a_number(value: int) -> None:
    blank = np.full((SIDE, SIDE), value, np.uint8)
    noisy = blank ^ np.random.default_rng(0).integers(0, 2, blank.shape, dtype=np.uint8)
    coefs = coefs_of(blank, noisy, thumbnail(scene(0)))
    assert are_flat(coefs).tolist() == [True, True, False]
    assert likeness(coefs[:1], coefs[:1]).whole[0] == 0
    assert len(set(hashes(coefs)[:2].ravel().tolist())) == 1


def test_brightness_and_symmetric_pictures_do_not_turn_bits() -> None:
    """A coefficient that is 0 but for rounding has no sign to hash."""
    stripes = np.repeat((np.sin(np.arange(SIDE) / 3) * 80 + 120)[:, None], SIDE, axis=1)
    rng = np.random.default_rng(0)
    grain = [np.round(stripes + rng.normal(scale=0.5, size=stripes.shape)).astype(np.uint8) for _ in range(6)]
    assert len(set(hashes(coefs_of(*grain))[:, 0].tolist())) == 1


def test_a_symmetry_of_a_picture_is_confirmed_in_its_view_alone() -> None:
    one = coefs_of(thumbnail(scene(5, 96, 96)))
    other = coefs_of(thumbnail(symmetric(scene(5, 96, 96), "turned by 90 degrees")))
    confirmed = [bool(likeness(view(one, number), other).confirms(0.9, NONE_SMALL)[0]) for number in range(8)]
    assert [VIEWS[number] for number in range(8) if confirmed[number]] == ["turned by 90 degrees"]
