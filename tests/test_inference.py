"""The forward pass in eval mode: the same numbers whatever the batches, and every damaged image named."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from torch import nn

from core.data.pixels import DecodedImages
from core.data.preprocessing import Preprocessing
from core.data.settings import PreprocessingSettings
from core.errors import InputError, NonFiniteError
from core.prediction import inference
from core.prediction.inference import eval_mode, predict_logits, softmax
from tests.tiny_training import NORMALIZATION, ArrayImages, TinyNet, labelled_images

CPU = torch.device("cpu")
COUNT = 33


@pytest.fixture(scope="module")
def trained():
    """A model whose batch norm has seen something."""
    torch.manual_seed(0)
    model = TinyNet()
    for _ in range(5):
        model(torch.randn(16, 1, 8, 8) * 2 + 1)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("images")
    for i, pixels in enumerate(labelled_images(COUNT).images.take(np.arange(COUNT))):
        Image.fromarray(pixels[0]).save(place / f"img_{i}.png")
    return place


def decoded(folder, threads):
    return DecodedImages([folder / f"img_{i}.png" for i in range(COUNT)], Preprocessing(PreprocessingSettings(resize=8), 1), threads)


def predict(model, images, batch_size):
    return predict_logits(model, images, NORMALIZATION, batch_size, CPU)


def spread(model, folder):
    """The largest difference that batch size, threads and repetition make; and whether a class differs."""
    results = [predict(model, decoded(folder, threads), size) for size in (1, 7, 32) for threads in (0, 2) for _ in range(2)]
    assert all(r.shape == (COUNT, 3) and r.dtype == np.float32 for r in results)
    return max(np.abs(r - results[0]).max() for r in results), any((r.argmax(1) != results[0].argmax(1)).any() for r in results)


def test_results_do_not_depend_on_batches_threads_or_repetition(trained, folder):
    largest, other_class = spread(trained, folder)
    assert largest < 1e-5 and not other_class


def test_without_eval_mode_they_would(trained, folder, monkeypatch):
    """The control: with batch norm and dropout in training mode, as the ancestor predicted, the test above fails."""

    @contextmanager
    def nothing(model):
        yield

    monkeypatch.setattr(inference, "eval_mode", nothing)
    trained.train()
    with torch.no_grad():
        largest, _ = spread(trained, folder)
    assert largest > 0.1


def test_the_logits_are_the_models_own(trained):
    images = labelled_images(5).images
    inputs = torch.from_numpy(images.pixels).float() * (1 / (255 * 0.25)) + (-0.5 / 0.25)
    with eval_mode(trained), torch.no_grad():
        expected = trained(inputs).numpy()
    assert predict(trained, images, 5).tobytes() == expected.tobytes()


def test_modes_are_restored_also_after_an_error(trained):
    trained.train()
    trained.features[1].eval()
    before = [m.training for m in trained.modules()]
    predict(trained, labelled_images(4).images, 2)
    assert [m.training for m in trained.modules()] == before
    with pytest.raises(RuntimeError, match="inside"), eval_mode(trained):
        assert not any(m.training for m in trained.modules())
        raise RuntimeError("inside")
    assert [m.training for m in trained.modules()] == before


def test_nothing_is_learned_or_drawn(trained):
    before = {name: tensor.clone() for name, tensor in trained.state_dict().items()}
    random_state = torch.get_rng_state()
    predict(trained, labelled_images(9).images, 4)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(p.grad is None for p in trained.parameters())


class NanFor(nn.Module):
    def __init__(self, row, value):
        super().__init__()
        self.row, self.value, self.seen = row, value, 0

    def forward(self, x):
        logits = torch.zeros(len(x), 3)
        if self.seen <= self.row < self.seen + len(x):
            logits[self.row - self.seen, 1] = self.value
        self.seen += len(x)
        return logits


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("row", "batch_size"), [(0, 4), (9, 4), (9, 64)])
def test_nan_is_named_with_its_image(row, batch_size, value):
    with pytest.raises(NonFiniteError, match=f"image {row + 1} of 10"):
        predict(NanFor(row, value), labelled_images(10).images, batch_size)


@pytest.mark.parametrize("batch_size", [1, 4, 64])
@pytest.mark.parametrize("threads", [0, 2])
def test_all_damaged_images_are_named_with_their_paths(trained, folder, tmp_path, batch_size, threads):
    images = decoded(folder, threads)
    paths = list(images.paths)
    whole = paths[3].read_bytes()
    bad = {5: whole[: len(whole) // 2], 17: b"", 30: b"<html>404</html>"}
    for i, data in bad.items():
        paths[i] = tmp_path / f"img_{i}.png"
        paths[i].write_bytes(data)
    with pytest.raises(InputError) as caught:
        predict(trained, DecodedImages(paths, images.preprocessing, threads), batch_size)
    assert all(str(paths[i]) in str(caught.value) for i in bad) and "\n" not in str(caught.value)


def test_a_missing_image_is_named(trained):
    images = DecodedImages([Path("nowhere/img_1.png")], Preprocessing(PreprocessingSettings(resize=8), 1), 0)
    with pytest.raises(InputError, match=r"nowhere/img_1\.png"):
        predict(trained, images, 1)


def test_progress_counts_batches(trained):
    seen = []

    def progress(items, total=None, label="", unit="it"):
        items = list(items)
        seen.append((len(items), total))
        return items

    predict_logits(trained, labelled_images(10).images, NORMALIZATION, 4, CPU, progress)
    assert seen == [(3, 3)]


def test_half_precision_models_give_floats():
    class Half(nn.Module):
        def forward(self, x):
            return torch.ones(len(x), 3, dtype=torch.bfloat16)

    assert predict(Half(), ArrayImages(np.zeros((2, 1, 8, 8), np.uint8)), 2).dtype == np.float32


@given(arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(2, 5)), elements=st.floats(-1e4, 1e4, width=32)))
def test_softmax_rows_are_probabilities_in_the_order_of_the_logits(logits):
    p = softmax(logits)
    assert p.dtype == np.float64 and np.isfinite(p).all() and (p >= 0).all()
    assert np.abs(p.sum(axis=1) - 1).max() < 1e-12
    assert np.allclose(logits[np.arange(len(logits)), p.argmax(axis=1)], logits.max(axis=1), rtol=0, atol=1e-9)
    expected = torch.softmax(torch.from_numpy(logits).double(), dim=1).numpy()
    assert np.abs(p - expected).max() < 1e-12
