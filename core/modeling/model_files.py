"""A model file on disk -> the module in memory, and the class in it that is the model."""

import ast
import hashlib
import importlib.machinery
import importlib.util
import re
import sys
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from core.errors import CommandError, InputError, first_few, printable
from core.files import translate_os_error

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_PREFIX = "model_files_"


def find_model_class(path: Path, class_name: str | None = None) -> type[nn.Module]:
    """Runs a model file and returns its model: the public `nn.Module` subclass defined in it, or the one that `class_name` names.

    Imported classes and names with a leading underscore do not count; lower-case names count where no capitalized one exists; where
    the file has an `__all__`, its names come first. Of several, those that another one uses are its parts; then the name that is like
    the file's decides.

    Raises:
        InputError: no file, a folder, not `.py`, an error in the file (with its line), no class, or several.
    """
    module = import_model_file(path)
    if class_name is not None:
        return _named_class(module, path, class_name)
    candidates = _candidates(module)
    if not candidates:
        raise InputError(f"{path}: no class of its own that is a torch.nn.Module; define one, or name an imported one with --model_class")
    names = _without_parts(path, list(candidates))
    if len(names) > 1:
        names = [name for name in names if _plain(name) == _plain(path.stem)] or names
    if len(names) > 1:
        raise InputError(f"{path}: several candidates: {first_few(sorted(names))}; choose one with --model_class")
    return candidates[names[0]]


def import_model_file(path: Path) -> types.ModuleType:
    """Executes a model file, with torch's random state kept, under a module name that collides with no other.

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
    with imports_beside(path), torch.random.fork_rng(devices=[]), errors_in(path):
        loader.exec_module(module)
    return module


@contextmanager
def errors_in(path: Path, what: str = "") -> Iterator[None]:
    """Turns whatever the code of a model file raises into one InputError that names its line; `what` stands before the text.

    Out of memory is no fault of the file and passes through.
    """
    try:
        yield
    except (Exception, SystemExit) as error:
        if isinstance(error, CommandError) or is_out_of_memory(error):
            raise
        raise InputError(describe(error, path, what)) from error


def describe(error: BaseException, path: Path, what: str = "") -> str:
    """One line for an exception raised by a model file: the file, the line in it (where known), the kind and the text."""
    file, line = str(path), None
    if isinstance(error, SyntaxError) and error.filename:
        file, line = file if error.filename == file else f"{file}: {error.filename}", error.lineno
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = frames[-1].lineno if frames else None
    text = printable(" ".join(str(error.msg if isinstance(error, SyntaxError) else error).split()))[:300]
    where = f"{file}, line {line}" if line else file
    return f"{where}: {what}{type(error).__name__}{f': {text}' if text else ''}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is used up, on the processor or on a GPU."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(error)


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


class _UncachedLoader(importlib.machinery.SourceFileLoader):
    """Compiles the file as it is now: a cached `.pyc` is taken for the file's when size and second of change agree."""

    def get_code(self, fullname: str) -> types.CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


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


def _in_models(name: str) -> bool:
    return name == "models" or name.startswith("models.")


def _lies_in(name: str, folder: Path) -> bool:
    """Whether a loaded module is `folder/name.py` or part of the package `folder/name/`; an environment below the folder is not."""
    top, file = name.partition(".")[0], getattr(sys.modules[name], "__file__", None)
    return file is not None and any(Path(file).resolve().is_relative_to(folder / place) for place in (top, f"{top}.py"))


def _is_model_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _candidates(module: types.ModuleType) -> dict[str, type[nn.Module]]:
    """The public classes defined in the module, under the names that they are defined by."""
    own = [value for value in vars(module).values() if _is_model_class(value) and value.__module__ == module.__name__]
    found = {cls.__name__: cls for cls in own if not cls.__name__.startswith("_")}
    capitalized = {name: cls for name, cls in found.items() if name[0].isupper()} or found
    return {name: cls for name, cls in capitalized.items() if name in getattr(module, "__all__", ())} or capitalized


def _named_class(module: types.ModuleType, path: Path, class_name: str) -> type[nn.Module]:
    value = getattr(module, class_name, None)
    if isinstance(value, type) and issubclass(value, nn.Module) and not value.__module__.startswith("torch.nn"):
        return value
    candidates = first_few(sorted(_candidates(module))) or "none"
    raise InputError(f"{path}: no model class {printable(class_name)!r}; the candidates are: {candidates} (--model_class)")


def _without_parts(path: Path, names: list[str]) -> list[str]:
    """Leaves out the names that another one uses, directly or through other definitions of the file."""
    tree = ast.parse(path.read_bytes())
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            mentioned = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            uses[node.name] = uses.get(node.name, set()) | mentioned
    parts = {part for name in names for part in _reachable(uses, name) - {name}}
    return [name for name in names if name not in parts] or names


def _reachable(uses: dict[str, set[str]], start: str) -> set[str]:
    seen, waiting = set[str](), [start]
    while waiting:
        new = uses.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
