"""Torch files read as data: plain types and tensors only, and a name for what a file would have called."""

import errno
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import InputError, RefusedError

_NAMED = re.compile(r"(?:GLOBAL|reduce for unrecognized function) (\S+)")
_HARMLESS = frozenset({"torch", "collections"})
_STRINGS = frozenset({"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"})


def unpickle(path: Path) -> Any:
    """What torch saved in a file, on the CPU; nothing that the file names is called.

    Raises:
        InputError: it is damaged.
        RefusedError: loading it would call a function; the function is named.
        OSError: it cannot be read.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch says of other pickle protocols; the error says it
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        called = _NAMED.search(" ".join(str(error).split()))
        name = called[1] if called else next(_globals(path), None)
        if name is not None:
            raise RefusedError(f"{path}: refused, loading it would call {name}; a state is data, this file is not") from error
        raise InputError(f"{path}: is damaged (its pickle cannot be read)") from error
    except Exception as error:  # a damaged file makes the parser raise anything, EINVAL for a place outside it too
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        raise InputError(f"{path}: is damaged ({' '.join(str(error).split())[:200] or type(error).__name__})") from error


def _globals(path: Path) -> Iterator[str]:
    """The functions and classes that a pickle names, other than torch's own, as far as it can be read; nothing is run."""
    strings: list[Any] = []
    try:
        for opcode, argument, _ in pickletools.genops(_pickle_bytes(path)):
            if opcode.name in _STRINGS:
                strings.append(argument)
            name = ""
            if opcode.name in ("GLOBAL", "INST"):
                name = str(argument).replace(" ", ".")
            elif opcode.name == "STACK_GLOBAL":
                name = ".".join(strings[-2:])
            if name and name.partition(".")[0] not in _HARMLESS:
                yield name
    except (ValueError, EOFError, LookupError, OverflowError):
        return


def _pickle_bytes(path: Path) -> bytes:
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
