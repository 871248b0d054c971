"""core.data.normalization: numpy's mean and standard deviation over all pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.normalization import Normalization, fit_normalization
from core.data.pixels import StoredImages


def images(pixels: np.ndarray) -> StoredImages:
    return StoredImages(pixels, np.arange(len(pixels)))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 600), st.sampled_from([1, 3]), st.integers(0, 200), st.integers(0, 10**6))
def test_mean_and_spread_are_numpys_over_all_pixels(count: int, channels: int, darkest: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(darkest, 256, (count, channels, 4, 4), dtype=np.uint8)
    fitted = fit_normalization(images(pixels))
    assert fitted.mean == pytest.approx(pixels.mean(axis=(0, 2, 3)) / 255, rel=1e-12)
    assert fitted.std == pytest.approx(pixels.std(axis=(0, 2, 3)) / 255, rel=1e-9)


def test_only_the_images_asked_for_are_measured() -> None:
    pixels = np.stack([np.full((1, 4, 4), value, np.uint8) for value in (0, 10, 30, 255)])
    assert fit_normalization(StoredImages(pixels, np.array([2, 1]))).mean == pytest.approx((20 / 255,))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_images_that_were_measured_become_mean_zero_and_spread_one(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, channels, 8, 8), dtype=np.uint8)
    done = fit_normalization(images(pixels))(torch.from_numpy(pixels).float() / 255)
    assert done.shape == pixels.shape and done.dtype == torch.float32
    assert torch.allclose(done.mean(dim=(0, 2, 3)), torch.zeros(channels), atol=1e-5)
    assert torch.allclose(done.std(dim=(0, 2, 3), correction=0), torch.ones(channels), atol=1e-5)


def test_images_of_one_grey_are_not_divided_by_zero() -> None:
    fitted = fit_normalization(images(np.full((5, 1, 4, 4), 77, np.uint8)))
    assert fitted.std == (1 / 255,)
    assert torch.isfinite(fitted(torch.full((1, 1, 4, 4), 77 / 255))).all()


def test_normalization_survives_plain_types() -> None:
    fitted = Normalization((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert Normalization.from_plain(fitted.to_plain()) == fitted
    assert fitted.to_plain() == {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
