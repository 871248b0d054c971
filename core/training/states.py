"""A run's state as a file: plain types in one torch zip, sealed by a checksum, written atomically, loaded without running code.

torch.load opens the file without us and takes a flipped bit silently, so the seal (`core/training/sealing.py`) is checked before
anything is unpickled.
"""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import InputError, NonFiniteError
from core.files import atomic_path, check_space, translate_os_error
from core.training.sealing import check_seal, read_summary, write_seal
from core.training.unpickling import unpickle

__all__ = [
    "KEYS",
    "SCHEMA",
    "check_finite",
    "load_state",
    "read_summary",
    "refuse_non_finite",
    "restore_weights",
    "save_state",
    "to_plain",
]

SCHEMA = 1
KEYS = (
    "schema", "title", "part", "epochs", "position", "model", "model_state", "optimizer_state", "schedule_state", "scaler_state",
    "ema_state", "preprocessing", "normalization", "task", "data", "settings", "history", "best", "environment", "wall",
)  # fmt: skip
_TYPES: dict[str, type] = {"title": str, "part": str, "epochs": int, "history": list} | dict.fromkeys(
    ("position", "model", "model_state", "optimizer_state", "preprocessing", "normalization", "task", "data", "settings"), dict
)
_MISSING, _OPEN = "missing", "of any shape"


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Writes a state, replacing what is there only when it is whole and on the disk.

    Raises:
        EnvironmentFault: no space, no permission; the old file stays and nothing is left behind.
        KeyError, TypeError: the state lacks a key of the schema, or holds something that is no plain type.
    """
    import torch

    missing = [key for key in KEYS if key not in state]
    if missing:
        raise KeyError(f"a state lacks {missing}")
    plain = to_plain(state)
    check_space(path.parent, _tensor_bytes(plain))
    with atomic_path(path) as temporary:
        try:
            with open(temporary, "wb") as file:
                torch.save(plain, file)
        except RuntimeError as error:  # what torch's zip writer makes of a write that failed: disk or file size limit
            cause = error.__cause__ or error.__context__
            raise cause if isinstance(cause, OSError) else OSError(errno.ENOSPC, str(error)) from error
        write_seal(temporary, {key: plain[key] for key in ("title", "part", "epochs")} | {"step": plain["position"]["step"]})


def load_state(path: Path) -> dict[str, Any]:
    """Reads a state with all its keys; nothing in the file is executed.

    Raises:
        InputError: not a state, damaged, of another schema, or a key is missing or of another type.
        RefusedError: unpickling it would call a function; the function is named.
    """
    state = _load_plain(path)
    schema = state.get("schema") if isinstance(state, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise InputError(f"{path}: was made by a newer version (schema {schema}; this one reads {SCHEMA})")
    missing = [key for key in KEYS if key not in state] if isinstance(state, dict) else list(KEYS)
    if missing:
        raise InputError(f"{path}: is no state of this project: the key {missing[0]!r} is missing")
    for key, kind in _TYPES.items():
        if not isinstance(state[key], kind):
            raise InputError(f"{path}: is no state of this project: {key!r} holds a {type(state[key]).__name__}, not a {kind.__name__}")
    return state


def check_finite(path: Path, model_state: dict[str, Any]) -> None:
    """Raises InputError where weights hold NaN or infinity."""
    name = _non_finite(model_state)
    if name is not None:
        raise InputError(f"{path}: the weights hold NaN or infinity ({name}); train again or take an earlier state")


def restore_weights(path: Path, module: Any, model_state: dict[str, Any]) -> None:
    """Loads weights into a module after names and shapes have been compared, so that a mismatch changes nothing.

    Raises:
        InputError: the first key that is missing, extra or of another shape, with both shapes.
    """
    check_finite(path, model_state)
    own = module.state_dict()
    for name in (*own, *model_state):
        have, want = _shape(model_state, name), _shape(own, name)
        if have != want and (have == _MISSING or want != _OPEN):
            raise InputError(
                f"{path}: does not fit the model: {name} is {have} in the state, {want} in the model; was it made by another model file?"
            )
    module.load_state_dict(model_state)


def refuse_non_finite(epoch: int, model_state: dict[str, Any], optimizer_state: dict[str, Any]) -> None:
    """Raises NonFiniteError where weights, or an optimizer's moments, that are about to be saved hold NaN or infinity."""
    for what, values in (("weights", model_state), ("optimizer's moments", optimizer_state)):
        name = _non_finite(values)
        if name is not None:
            raise NonFiniteError(
                f"epoch {epoch}: the {what} hold NaN or infinity ({name}); a lower --learning_rate may help; the last good state is kept"
            )


def to_plain(value: Any) -> Any:
    """Tensors (on the CPU), dicts with string or integer keys, lists, tuples, str, int, float, bool, None; the rest is converted.

    Raises:
        TypeError: it cannot be.
    """
    import numpy as np
    import torch

    if isinstance(value, np.generic):  # before the plain kinds: numpy's float64 is a float, but not a plain one
        value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value)
    if value is None or isinstance(value, torch.Tensor):
        return None if value is None else value.detach().cpu()
    if isinstance(value, dict):
        return {key if isinstance(key, int) else str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [to_plain(item) for item in value]
        return tuple(items) if type(value) is tuple else items
    raise TypeError(f"a state cannot hold a {type(value).__name__}")


def _tensor_bytes(value: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for _, tensor in _tensors(value))


def _tensors(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every tensor in nested dicts, lists and tuples, with its name (`state.0.exp_avg`)."""
    import torch

    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, (dict, list, tuple)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _tensors(item, f"{name}.{key}" if name else str(key))


def _non_finite(values: dict[str, Any]) -> str | None:
    """The name of the first tensor that holds NaN or infinity."""
    import torch

    floats = ((name, tensor) for name, tensor in _tensors(values) if tensor.is_floating_point())
    return next((name for name, tensor in floats if not torch.isfinite(tensor).all()), None)


def _shape(tensors: dict[str, Any], name: str) -> str:
    from torch.nn.parameter import is_lazy

    if name not in tensors:
        return _MISSING
    return _OPEN if is_lazy(tensors[name]) else str(tuple(tensors[name].shape))


def _load_plain(path: Path) -> Any:
    """Loads a file as it was at one moment: again, where a training run replaced it in between."""
    while True:
        before = _identity(path)
        try:
            content = _load_once(path)
        except InputError:
            if _identity(path) == before:
                raise
        else:
            if _identity(path) == before:
                return content


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _load_once(path: Path) -> Any:
    """Checks the file's form, sizes and seal; then unpickles plain types only."""
    try:
        with open(path, "rb") as file:
            start = file.read(2)
        sealed = start == b"PK" and check_seal(path)
        if sealed:
            return unpickle(path)
        if start == b"PK" or start[:1] == b"\x80":
            unpickle(path)  # what it would call, if anything, is named before the missing seal is
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such state") from error
    except OSError as error:
        raise translate_os_error(error, path) from error
    raise InputError(f"{path}: is no state of this project, or was cut off: it carries no checksum; take another one")
