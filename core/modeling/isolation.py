"""Code of a model file runs, and the process is afterwards as it was: its imports, torch's defaults, the random states."""

import importlib.machinery
import importlib.util
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def torch_defaults_kept() -> Iterator[None]:
    """Brings torch's default dtype and device back: a model file that sets them would set them for the images of the training too."""
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_default_device(None if device.type == "cpu" else device)


@contextmanager
def random_states_kept() -> Iterator[None]:
    """Brings the random states of Python, numpy and torch (the GPUs too, where they are in use) back."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


@contextmanager
def imports_beside(path: Path) -> Iterator[None]:
    """Lets a model file import what lies beside it, and leaves the import system as it was.

    Inside the block `import blocks` and `from models.other import X` look in the file's own folder first, then in the project; nothing is
    written there (no `__pycache__`). Afterwards modules from a foreign folder are forgotten, so that two folders can use one name.
    """
    folder, project_models = path.resolve().parent, PROJECT_ROOT / "models"
    kept_path, kept_flag, kept_modules = sys.path, sys.dont_write_bytecode, dict(sys.modules)
    sys.path, sys.dont_write_bytecode = [str(folder), *kept_path, str(PROJECT_ROOT)], True
    foreign = folder != project_models
    if foreign:
        for name in [name for name in sys.modules if _in_models(name)]:
            del sys.modules[name]
        spec = importlib.machinery.ModuleSpec("models", None, is_package=True)
        spec.submodule_search_locations = [str(folder), str(project_models)]
        sys.modules["models"] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        sys.path, sys.dont_write_bytecode = kept_path, kept_flag
        if foreign:
            for name in [name for name in sys.modules if name.partition(".")[0] not in kept_modules and _lies_in(name, folder)]:
                del sys.modules[name]
            for name in [name for name in sys.modules if _in_models(name)]:
                del sys.modules[name]
            sys.modules.update({name: module for name, module in kept_modules.items() if _in_models(name)})


def _in_models(name: str) -> bool:
    return name == "models" or name.startswith("models.")


def _lies_in(name: str, folder: Path) -> bool:
    """Whether a loaded module is `folder/name.py` or part of the package `folder/name/`; an environment below the folder is not."""
    top, module = name.partition(".")[0], sys.modules[name]
    file = getattr(module, "__file__", None)
    files = [file] if file else list(getattr(module, "__path__", ()))  # a package without an `__init__.py` has no file
    return any(Path(file).resolve().is_relative_to(folder / place) for file in files for place in (top, f"{top}.py"))
