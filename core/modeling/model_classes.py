"""The class in a model file that is the model, or the function in it that builds one."""

import ast
import types
from pathlib import Path
from typing import TypeGuard

from torch import nn

from core.errors import InputError, first_few, printable
from core.modeling.arguments import unknown_arguments
from core.modeling.model_files import import_model_file

ModelClass = type[nn.Module] | types.FunctionType


def find_model_class(path: Path, class_name: str | None = None) -> ModelClass:
    """Runs a model file and returns its model: the public `nn.Module` subclass defined in it, or what `class_name` names.

    Imported classes and names with a leading underscore do not count; lower-case names count where no capitalized one exists; where
    the file has an `__all__`, its names come first. Of several, those that another one uses are its parts; then the name that is like
    the file's decides. Where no class is left that can be built from what is known, the public functions that return a model count.

    Raises:
        InputError: no file, a folder, not `.py`, an error in the file (with its line), no class, or several.
    """
    module = import_model_file(path)
    if class_name is not None:
        return _named(module, path, class_name)
    candidates = _candidates(module)
    names = _like_the_file(path, _without_parts(path, list(candidates)))
    if all(unknown_arguments(candidates[name]) for name in names):
        factories = {name: function for name, function in _factories(module, path).items() if not unknown_arguments(function)}
        chosen = _like_the_file(path, list(factories))
        if len(chosen) > 1:
            raise InputError(f"{path}: choose a function with --model_class: {first_few(sorted(chosen))}")
        if chosen:
            return factories[chosen[0]]
    if not names:
        raise InputError(f"{path}: no class of its own that is a torch.nn.Module; define one, or name an imported one with --model_class")
    if len(names) > 1:
        raise InputError(f"{path}: several candidates: {first_few(sorted(names))}; choose one with --model_class")
    return candidates[names[0]]


def _is_model_class(value: object) -> TypeGuard[type[nn.Module]]:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _candidates(module: types.ModuleType) -> dict[str, type[nn.Module]]:
    """The public classes defined in the module, under the names that they are defined by."""
    own = [value for value in vars(module).values() if _is_model_class(value) and value.__module__ == module.__name__]
    found = {cls.__name__: cls for cls in own if not cls.__name__.startswith("_")}
    capitalized = {name: cls for name, cls in found.items() if name[0].isupper()} or found
    return {name: cls for name, cls in capitalized.items() if name in getattr(module, "__all__", ())} or capitalized


def _named(module: types.ModuleType, path: Path, name: str) -> ModelClass:
    value = getattr(module, name, None)
    if _is_model_class(value) and not value.__module__.startswith("torch.nn"):
        return value
    if name in _functions(module):
        return _functions(module)[name]
    candidates = first_few(sorted({**_candidates(module), **_factories(module, path)})) or "none"
    raise InputError(f"{path}: no model class {printable(name)!r}; the candidates are: {candidates} (--model_class)")


def _functions(module: types.ModuleType) -> dict[str, types.FunctionType]:
    """The public functions defined in the module."""
    own = {name: value for name, value in vars(module).items() if isinstance(value, types.FunctionType) and not name.startswith("_")}
    return {name: value for name, value in own.items() if value.__module__ == module.__name__ and value.__name__ == name}


def _factories(module: types.ModuleType, path: Path) -> dict[str, types.FunctionType]:
    """The public functions whose text says that they return a model, by annotation or by what follows `return`; none is called."""
    definitions = {node.name: node for node in ast.parse(path.read_bytes()).body if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    while new := {name for name in definitions.keys() - found if _returns_a_model(definitions[name], module, found)}:
        found |= new
    return {name: function for name, function in _functions(module).items() if name in found}


def _returns_a_model(definition: ast.FunctionDef, module: types.ModuleType, factories: set[str]) -> bool:
    def builds(node: ast.expr | None) -> bool:
        while isinstance(node, ast.Call):
            if (isinstance(node.func, ast.Name) and node.func.id in factories) or _is_model_class(_value_of(node.func, module)):
                return True
            node = node.func.value if isinstance(node.func, ast.Attribute) else None  # `Net().eval()`
        return isinstance(node, ast.Name) and node.id in variables

    variables: set[str] = set()
    parts = list(ast.walk(definition))
    for part in parts:
        if isinstance(part, ast.Assign) and builds(part.value):
            variables |= {target.id for target in part.targets if isinstance(target, ast.Name)}
    return _is_model_class(_value_of(definition.returns, module)) or any(isinstance(p, ast.Return) and builds(p.value) for p in parts)


def _value_of(node: ast.expr | None, module: types.ModuleType) -> object:
    """What `name` or `name.name` stands for in the module; None for anything else."""
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    return getattr(_value_of(node.value, module), node.attr, None) if isinstance(node, ast.Attribute) else None


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


def _like_the_file(path: Path, names: list[str]) -> list[str]:
    """Of several names the one that is like the file's, where there is one."""
    return [name for name in names if _plain(name) == _plain(path.stem)] or names
