"""A model file on disk -> the module in memory; an error in its code -> one line that names where."""

import hashlib
import importlib.machinery
import importlib.util
import re
import sys
import sysconfig
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from core.errors import CommandError, InputError, Terminated, printable
from core.files import translate_os_error
from core.modeling.isolation import PROJECT_ROOT, imports_beside, torch_defaults_kept

_PREFIX = "model_files_"


def import_model_file(path: Path) -> types.ModuleType:
    """Executes a model file, with torch's random state and defaults kept, under a module name that collides with no other.

    Raises:
        InputError: no file, a folder, not `.py`, or the file does not run; the line of the file is named.
    """
    _check_path(path)
    folder = path.resolve().parent
    package = _PREFIX + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]  # the file, or one beside it, may have been edited since
    parent = importlib.machinery.ModuleSpec(package, None, is_package=True)
    parent.submodule_search_locations = [str(folder)]
    sys.modules[package] = importlib.util.module_from_spec(parent)
    name = f"{package}.{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}"
    loader = _UncachedLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise InputError(f"{path}: cannot be loaded as a Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    with imports_beside(path), torch_defaults_kept(), torch.random.fork_rng(devices=[]), errors_in(path):
        loader.exec_module(module)
    return module


@contextmanager
def errors_in(path: Path, what: str = "") -> Iterator[None]:
    """Turns whatever the code of a model file raises into one InputError that names its line; `what` stands before the text.

    Out of memory is no fault of the file and passes through, as a signal does.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, (CommandError, Terminated)) or is_out_of_memory(error):
            raise
        raise InputError(describe(error, path, what)) from error


def describe(error: BaseException, path: Path, what: str = "") -> str:
    """One line for an exception raised by a model file: the file, the line in it or in a file beside it (where known), kind and text."""
    file, line = str(path), None
    if isinstance(error, SyntaxError) and error.filename:
        file, line = file if error.filename == file else f"{file}: {error.filename}", error.lineno
    else:
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if _lies_beside(frame.filename, path)]
        if own:
            line = own[-1].lineno
            file = file if own[-1].filename == file else f"{file}: {own[-1].filename}"
    text = printable(" ".join(str(error.msg if isinstance(error, SyntaxError) else error).split()))[:300]
    where = f"{file}, line {line}" if line else file
    return f"{where}: {what}{type(error).__name__}{f': {text}' if text else ''}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is used up, on the processor or on a GPU."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


class _UncachedLoader(importlib.machinery.SourceFileLoader):
    """Compiles the file as it is now: a cached `.pyc` is taken for the file's when size and second of change agree."""

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _lies_beside(filename: str, path: Path) -> bool:
    """Whether a frame's file is the model file or one in its folder; an environment, or this package, below the folder is not."""
    if filename == str(path):
        return True
    file, folder = Path(filename).resolve(), path.resolve().parent
    elsewhere = (PROJECT_ROOT / "core", Path(sysconfig.get_path("stdlib")).resolve())
    if filename.startswith("<") or not file.is_relative_to(folder) or any(file.is_relative_to(place) for place in elsewhere):
        return False
    return not {"site-packages", "dist-packages"} & set(file.relative_to(folder).parts)


def _check_path(path: Path) -> None:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder; name one of the .py files in it")
        if path.suffix != ".py":
            raise InputError(f"{path}: not a Python file (.py)")
        if not path.is_file():
            raise InputError(f"{path}: no such model file")
        with open(path, "rb"):
            pass
    except OSError as error:
        raise translate_os_error(error, path) from error
