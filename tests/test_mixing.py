"""core.data.mixing: what a mixed image shows and what its target says are the same."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.mixing import draw_mixing, mix
from tests.pictures import noise_pictures

quick = settings(deadline=None, max_examples=40)
alphas = st.sampled_from([1e-3, 0.2, 1.0, 5.0, 100.0]) | st.floats(1e-3, 100)
TARGETS = torch.tensor([0, 1, 2, 3])


def drawn_for(mixup: float, cutmix: float, count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """As the table of parameters holds them; 0: off."""
    rng = np.random.default_rng(seed)
    drawn = {"mixup": draw_mixing(rng, count, mixup, 0.5 if cutmix else 1.0)} if mixup else {}
    return drawn | ({"cutmix": draw_mixing(rng, count, cutmix, 1.0)} if cutmix else {})


def flat_pictures(count: int, side: int = 8) -> torch.Tensor:
    """Image i is filled with i."""
    return torch.arange(count, dtype=torch.float32)[:, None, None, None].expand(count, 1, side, side).clone()


def test_nothing_drawn_gives_inputs_and_targets_themselves() -> None:
    inputs = noise_pictures(4)
    result = mix(inputs, TARGETS, {"rotate": np.zeros(4)}, None)
    assert result[0] is inputs and result[1] is TARGETS


def test_mixup_by_hand() -> None:
    inputs = noise_pictures(4)
    kept = np.array([1.0, 0.75, 0.5, 0.0])
    drawn = {"mixup": np.column_stack([np.ones(4), kept, np.full((4, 2), 0.5)])}
    mixed, targets = mix(inputs, TARGETS, drawn, 5)
    for i, share in enumerate(kept.tolist()):
        assert torch.allclose(mixed[i], share * inputs[i] + (1 - share) * inputs[i - 1], atol=1e-6)
    expected = [[1, 0, 0, 0, 0], [0.25, 0.75, 0, 0, 0], [0, 0.5, 0.5, 0, 0], [0, 0, 1, 0, 0]]
    assert torch.allclose(targets, torch.tensor(expected)) and targets.dtype == inputs.dtype


def test_cutmix_by_hand() -> None:
    """A quarter of the area in the middle, a corner (of which a quarter is inside), nothing, all."""
    inputs = noise_pictures(4, side=8)
    drawn = {"cutmix": np.array([[1, 0.75, 0.5, 0.5], [1, 0.75, 0.0, 1.0], [1, 1.0, 0.5, 0.5], [1, 0.0, 0.5, 0.5]])}
    mixed, targets = mix(inputs, TARGETS, drawn, 4)
    expected = inputs.clone()
    expected[0, :, 2:6, 2:6] = inputs[3, :, 2:6, 2:6]
    expected[1, :, 6:, :2] = inputs[0, :, 6:, :2]  # left, and down
    expected[3] = inputs[2]
    assert torch.equal(mixed, expected)
    assert targets.tolist() == [[0.75, 0, 0, 0.25], [1 / 16, 15 / 16, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]


@quick
@given(st.integers(2, 12), alphas, st.sampled_from([8, 9, 33]), st.integers(0, 2**31))
def test_cutmix_targets_are_the_shares_of_pixels_kept(count: int, alpha: float, side: int, seed: int) -> None:
    mixed, targets = mix(flat_pictures(count, side), torch.arange(count), drawn_for(0, alpha, count, seed), count)
    for i in range(count):
        own = mixed[i] == i
        assert torch.equal(own, mixed[i] != (i - 1) % count)  # every pixel is its own or that of the image before
        assert targets[i, i].item() == pytest.approx(own.float().mean().item(), abs=1e-6)
        assert targets[i, i - 1].item() == pytest.approx(1 - own.float().mean().item(), abs=1e-6)


@quick
@given(st.integers(2, 12), alphas, st.integers(0, 2**31))
def test_mixup_targets_are_the_shares_of_light_kept(count: int, alpha: float, seed: int) -> None:
    inputs = torch.eye(count)[:, :, None, None].expand(count, count, 8, 8)  # channel i is lit in image i
    mixed, targets = mix(inputs, torch.arange(count), drawn_for(alpha, 0, count, seed), count)
    assert torch.allclose(mixed, targets[:, :, None, None].expand_as(mixed), atol=1e-6)


@quick
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.sampled_from([(1, 0), (0, 1), (1, 1)]),
    alphas,
    alphas,
    st.sampled_from([1, 3]),
    st.integers(0, 2**31),
)
def test_targets_sum_to_one_and_everything_is_finite(
    labels: list[int], on: tuple[int, int], mixup: float, cutmix: float, channels: int, seed: int
) -> None:
    inputs, targets = noise_pictures(len(labels), channels), torch.tensor(labels)
    mixed, shares = mix(inputs, targets, drawn_for(mixup * on[0], cutmix * on[1], len(labels), seed), 5)
    assert mixed.shape == inputs.shape and torch.isfinite(mixed).all() and mixed.min() >= 0 and mixed.max() <= 1 + 1e-6
    assert shares.shape == (len(labels), 5) and torch.allclose(shares.sum(1), torch.ones(len(labels)), atol=1e-6)
    assert shares.min() >= 0 and shares.max() <= 1 + 1e-6
    assert all(set(row.nonzero().flatten().tolist()) <= {labels[i], labels[i - 1]} for i, row in enumerate(shares))


def test_an_image_alone_in_its_batch_and_partners_of_one_class_keep_their_targets() -> None:
    inputs = noise_pictures(1)
    mixed, targets = mix(inputs, torch.tensor([2]), drawn_for(1, 1, 1), 3)
    assert torch.allclose(mixed, inputs, atol=1e-6) and torch.allclose(targets, torch.tensor([[0.0, 0, 1]]))
    _, targets = mix(noise_pictures(6), torch.full((6,), 1), drawn_for(1, 0, 6), 3)
    assert torch.allclose(targets, torch.tensor([0.0, 1, 0]).expand(6, 3))


def test_with_both_about_half_of_the_images_are_blended_and_the_others_cut() -> None:
    count = 2000
    drawn = drawn_for(2.0, 2.0, count)
    mixed, targets = mix(flat_pictures(count), torch.arange(count) % 2, drawn, 2)
    chosen = torch.from_numpy(drawn["mixup"][:, 0] == 1)
    assert chosen.float().mean().item() == pytest.approx(0.5, abs=0.04)
    own, other = flat_pictures(count), flat_pictures(count).roll(1, 0)
    kept = torch.from_numpy(drawn["mixup"][:, 1]).float()[:, None, None, None]
    assert torch.allclose(mixed[chosen], (own * kept + other * (1 - kept))[chosen], atol=1e-2)
    assert ((mixed == own) | (mixed == other))[~chosen].all()
    shares = targets[torch.arange(count), torch.arange(count) % 2]
    assert torch.allclose(shares[chosen], kept.flatten()[chosen], atol=1e-5)
    assert torch.allclose(shares[~chosen], (mixed == own).float().mean((1, 2, 3))[~chosen], atol=1e-5)


@pytest.mark.parametrize("alpha", [1e-3, 0.2, 1.0, 100.0])
def test_shares_are_beta_distributed_and_centers_even(alpha: float) -> None:
    chosen, kept, *center = draw_mixing(np.random.default_rng(0), 20_000, alpha, 1.0).T
    assert (chosen == 1).all() and kept.min() >= 0 and kept.max() <= 1
    assert kept.mean() == pytest.approx(0.5, abs=0.02) and kept.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.05)
    for place in center:
        assert place.mean() == pytest.approx(0.5, abs=0.01) and place.var() == pytest.approx(1 / 12, rel=0.03)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_mixing_before_or_after_normalization_is_the_same(kind: str) -> None:
    inputs, drawn = noise_pictures(6), drawn_for(float(kind == "mixup"), float(kind == "cutmix"), 6)
    before, after = (
        mix((inputs - 0.4) / 0.2, TARGETS[[0, 1, 2, 3, 0, 1]], drawn, 4)[0],
        mix(inputs, TARGETS[[0, 1, 2, 3, 0, 1]], drawn, 4)[0],
    )
    assert torch.allclose(before, (after - 0.4) / 0.2, atol=1e-5)


def test_the_images_given_stay() -> None:
    inputs = noise_pictures(4)
    before = inputs.clone()
    mix(inputs, TARGETS, drawn_for(1, 1, 4), 4)
    assert torch.equal(inputs, before)


def test_mixing_needs_the_number_of_classes() -> None:
    with pytest.raises(ValueError, match="number of classes"):
        mix(noise_pictures(4), TARGETS, drawn_for(1, 0, 4), None)


@pytest.mark.parametrize("width", [1, 4])
def test_targets_of_several_labels_and_numbers_are_blended_by_the_same_shares(width):
    inputs, classes = torch.rand(6, 1, 8, 8), torch.arange(6) % 3
    drawn = {"mixup": draw_mixing(np.random.default_rng(0), 6, 1.0, 0.7), "cutmix": draw_mixing(np.random.default_rng(1), 6, 1.0, 0.5)}
    targets = torch.randn(6, width)
    mixed, shares = mix(inputs, classes, drawn, 6)
    same_inputs, blended = mix(inputs, targets, drawn, None)
    assert torch.equal(mixed, same_inputs) and blended.shape == (6, width)
    kept = mix(inputs, torch.eye(6), drawn, None)[1]
    assert torch.allclose(blended, kept @ targets, atol=1e-6)
    assert torch.allclose(kept @ torch.nn.functional.one_hot(classes, 6).float(), shares, atol=1e-6)
