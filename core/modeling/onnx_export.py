"""A trained model's network as ONNX, tried with ONNX Runtime before it is handed over.

The graph takes normalized images, as the module does: decoding and resizing cannot stand in it, so whoever uses it follows the description
anyway, and the numbers going in and coming out are those of the module.
"""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, TextIO

import torch
from torch import Tensor

from core.errors import EnvironmentFault, InputError
from core.modeling.export import BATCHES, ExportedFile, TrainedModel, logits_of, random_images
from core.modeling.model_files import errors_in

if TYPE_CHECKING:
    from onnx import ModelProto

_LARGEST = 2_000_000_000  # bytes of weights: protobuf, and with it an ONNX file without others beside it, ends at 2 GiB
_TOLERANCE = 1e-4
_INPUT, _OUTPUT = "input", "logits"


def as_onnx(model: TrainedModel) -> ExportedFile:
    """The network with its weights: input `input` (batch, channels, height, width) float32, output `logits`; the batch is of any size.

    Made by torch's exporter without the places in source files that it notes. ONNX Runtime runs it on random images, one and three at once;
    its logits may differ from the module's by 1e-4 of the largest of them.

    Raises:
        EnvironmentFault: onnx, onnxscript or onnxruntime is not installed.
        InputError: the weights are larger than an ONNX file can be, the network cannot be written as a graph, or gives other logits as one.
        NonFiniteError: the module gives NaN or infinity.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise EnvironmentFault(f"ONNX needs packages that are not installed ({error}): pip install -r requirements-export.txt") from error
    size = sum(tensor.numel() * tensor.element_size() for tensor in (*model.module.parameters(), *model.module.buffers()))
    if size > _LARGEST:
        raise InputError(f"{model.path}: the weights take {size:,} bytes, an ONNX file holds {_LARGEST:,}: export as .safetensors")
    proto = _graph(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.intra_op_num_threads = torch.get_num_threads()
    with errors_in(model.path, "the ONNX file cannot be run: "):
        onnx.checker.check_model(proto)
        data = proto.SerializeToString(deterministic=True)
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    largest, scale = _largest_difference(model, lambda images: session.run([_OUTPUT], {_INPUT: images.numpy()})[0])
    if not largest <= _TOLERANCE * scale:
        raise InputError(
            f"{model.path}: as ONNX its logits differ by up to {largest:.2g} (the largest is {scale:.3g}): more than rounding; "
            "does it draw random numbers in eval mode?"
        )
    note = f"opset {proto.opset_import[0].version}, {len(proto.graph.node)} operations"
    return ExportedFile(data, f"{note}; run by ONNX Runtime, its logits differ by up to {largest:.2g} (the largest is {scale:.3g})")


def _graph(model: TrainedModel) -> "ModelProto":
    """The model as torch's exporter writes it, with its description, without the exporter's notes of files and lines."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    example, shapes = random_images(model, 2), ({0: torch.export.Dim("batch")},)
    with errors_in(model.path, "cannot be written as ONNX: "), _silence():
        try:
            program = torch.onnx.export(
                model.module, (example,), dynamo=True, dynamic_shapes=shapes, input_names=[_INPUT], output_names=[_OUTPUT], verbose=False
            )
        except torch.onnx.OnnxExporterError as error:
            raise _first_cause(error) from error
        assert program is not None  # it is with dynamo=True
        ClearMetadataAndDocStringPass()(program.model)
        program.model.metadata_props.update(sorted(model.description.items()))
        return program.model_proto


def _first_cause(error: BaseException) -> BaseException:
    """What an exporter's error comes from: it has the line of the model file, and says what is wrong there."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _largest_difference(model: TrainedModel, run: Callable[[Tensor], object]) -> tuple[float, float]:
    """The largest difference between the logits of `run` and the module's, and the largest absolute logit, over all tried batches."""
    differences, logits = [], []
    for count in BATCHES:
        images = random_images(model, count)
        expected = logits_of(model, model.module, images)
        with errors_in(model.path, f"the ONNX file cannot be run on a batch of {count}: "):
            found = torch.as_tensor(run(images))
        if found.shape != expected.shape:
            raise InputError(f"{model.path}: as ONNX it gives shape {tuple(found.shape)} for {count} images, not {tuple(expected.shape)}")
        differences.append(found - expected)
        logits.append(expected)
    largest, scale = (float(torch.cat(parts).abs().max()) for parts in (differences, logits))
    return largest, scale


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps off what the exporter prints, logs and warns of: its failures are exceptions, and all else is for its authors."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(record=True), redirect_stdout(StringIO()), redirect_stderr(_Swallowing(sys.stderr)):
            yield
    finally:
        logging.disable(level)


class _Swallowing(StringIO):
    """A stream whose text is forgotten, with the number of the real one, by which a signal's handler says its last line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def fileno(self) -> int:
        return self._stream.fileno()
