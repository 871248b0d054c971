"""A network as ONNX: another program gives the model's own logits for any batch, and what would differ is refused in one line."""

import json
import logging
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from core.errors import EnvironmentFault, InputError, NonFiniteError
from core.modeling import onnx_export
from core.modeling.onnx_export import as_onnx
from tests.test_models import FILES
from tests.tiny_export import DESCRIPTION, TrainedModel, from_zoo, trained
from tests.tiny_training import same


def session_of(data: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])


def check_logits(model: TrainedModel, data: bytes, batches: tuple[int, ...]) -> None:
    session = session_of(data)
    for count in batches:
        images = torch.randn(count, *model.shape)
        with torch.no_grad():
            expected = model.module(images).numpy()
        (found,) = session.run(["logits"], {"input": images.numpy()})
        assert found.dtype == np.float32 and np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_a_network_of_the_zoo_runs_elsewhere() -> None:
    model = from_zoo("simple_cnn", 32)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    file = as_onnx(model)
    check_logits(model, file.data, (1, 2, 3, 7))
    (given,), (output,) = session_of(file.data).get_inputs(), session_of(file.data).get_outputs()
    assert (given.name, given.type, given.shape[1:]) == ("input", "tensor(float)", [1, 32, 32]) and isinstance(given.shape[0], str)
    assert (output.name, output.shape[1:]) == ("logits", [4])
    assert session_of(file.data).get_modelmeta().custom_metadata_map == DESCRIPTION
    assert same(dict(model.module.state_dict()), before) and not model.module.training
    assert "differ by up to" in file.note and "opset" in file.note


def test_a_side_that_is_not_the_models_is_refused_by_the_file() -> None:
    data = as_onnx(trained()).data
    with pytest.raises(Exception, match="dimension"):
        session_of(data).run(None, {"input": np.zeros((1, 2, 9, 9), np.float32)})


def test_the_same_model_gives_the_same_bytes_without_a_place_in_a_file() -> None:
    """The exporter notes files and lines of this machine."""
    first, second = as_onnx(trained("tied")).data, as_onnx(trained("tied")).data
    assert first == second
    for text in (b"tiny_export", b"site-packages", b"/tests/"):
        assert text not in first
    assert onnx.load_from_string(first).graph.doc_string == ""


def test_it_is_silent(capfd, recwarn) -> None:
    level = logging.root.manager.disable
    as_onnx(trained())
    with pytest.raises(InputError):
        as_onnx(trained("branching"))
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "") and not recwarn.list
    assert logging.root.manager.disable == level and sys.stderr.fileno() > 0


def test_a_branch_on_the_numbers_names_its_line() -> None:
    with pytest.raises(InputError) as caught:
        as_onnx(trained("branching"))
    text = str(caught.value)
    assert "tiny_export.py, line " in text and ": cannot be written as ONNX: GuardOnDataDependent" in text and "\n" not in text


def test_random_numbers_in_eval_mode_are_noticed() -> None:
    with pytest.raises(InputError, match=r"tiny_export\.py: as ONNX its logits differ by up to"):
        as_onnx(trained("random"))


@pytest.mark.parametrize(("error", "refused"), [(0.5e-4, False), (2e-4, True), (float("nan"), True)])
def test_differences_are_measured_by_the_largest_logit(monkeypatch, error: float, refused: bool) -> None:
    model = trained()

    def run(self: object, names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        with torch.no_grad():
            logits = model.module(torch.from_numpy(inputs["input"])).numpy()
        logits[-1, 0] += error * np.abs(logits).max() * (len(logits) == 3)
        return [logits]

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", run)
    if refused:
        with pytest.raises(InputError, match="differ by up to"):
            as_onnx(model)
    else:
        as_onnx(model)


def test_another_shape_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(onnxruntime.InferenceSession, "run", lambda *_: [np.zeros((1, 3), np.float32)])
    with pytest.raises(InputError, match=r"gives shape \(1, 3\) for 3 images, not \(3, 3\)"):
        as_onnx(trained())


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_package_that_is_missing(monkeypatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EnvironmentFault, match=rf"{package}.*pip install -r requirements-export\.txt"):
        as_onnx(trained())


def test_weights_larger_than_a_file_can_be(monkeypatch) -> None:
    model = trained()
    size = sum(value.numel() * value.element_size() for value in model.module.state_dict().values())
    monkeypatch.setattr(onnx_export, "_LARGEST", size)
    as_onnx(model)
    monkeypatch.setattr(onnx_export, "_LARGEST", size - 1)
    with pytest.raises(InputError, match=rf"tiny_export\.py: the weights take {size} bytes.*\.safetensors"):
        as_onnx(model)


def test_nan_is_refused() -> None:
    with pytest.raises(NonFiniteError, match="NaN or infinity"):
        as_onnx(trained("nan"))


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_network_of_the_zoo(name: str) -> None:
    model = from_zoo(name, 48)
    data = as_onnx(model).data
    check_logits(model, data, (1, 4))
    assert json.loads(session_of(data).get_modelmeta().custom_metadata_map["classes"]) == ["cat", "dög"]
