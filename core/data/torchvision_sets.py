"""torchvision's classification sets: their names, their parts, and how they come to lie on this machine.

torchvision downloads into `dataset/torchvision/<name>` and checks the sums of what it fetched (a few sets are pickles, which it reads
itself: they are what their authors published, or they are refused). Left out are sets that torchvision does not download (ImageNet,
FER2013, LSUN), those with several answers an image (CelebA, Omniglot, LFW) and those of hundreds of gigabytes (iNaturalist, Places365).
"""

import contextlib
import difflib
import inspect
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import CommandError, EnvironmentFault, InputError, printable
from core.files import write_bytes

PREFIX = "torchvision:"
_Arguments = dict[str, Any]


@dataclass(frozen=True)
class TorchvisionSet:
    """A set of torchvision's.

    Attributes:
        labelled: the arguments that give each labelled part.
        test: those of the part that counts as the unlabelled test images; None where the set has no parts.
        variant: an argument with several values, and these, the default first; written behind the name with a slash.
        named: whether torchvision's names of the classes are used; else their numbers.
    """

    labelled: tuple[_Arguments, ...] = ({},)
    test: _Arguments | None = None
    variant: tuple[str, tuple[str, ...]] | None = None
    named: bool = True


def _flagged(named: bool = True, variant: tuple[str, tuple[str, ...]] | None = None) -> TorchvisionSet:
    return TorchvisionSet(({"train": True},), {"train": False}, variant, named)


def _split(*labelled: str, test: str = "test", named: bool = True, variant: tuple[str, tuple[str, ...]] | None = None) -> TorchvisionSet:
    return TorchvisionSet(tuple({"split": name} for name in labelled), {"split": test}, variant, named)


class _Files(list[tuple[Any, int]]):
    """Files and the numbers of their classes, as a part of a set."""

    def __init__(self, items: list[tuple[Any, int]], classes: list[str]) -> None:
        super().__init__(items)
        self.classes = classes


def canonical_set(text: str) -> str | None:
    """`torchvision:<name>` or `torchvision:<name>/<variant>` in one spelling; None where the text is no such source.

    Raises:
        InputError: an unknown name or variant; the nearest are named.
    """
    text = text.strip()
    if not text.lower().startswith(PREFIX):
        return None
    name, _, variant = text[len(PREFIX) :].partition("/")
    known = {known.lower(): known for known in SETS}
    if name.lower() not in known:
        near = [known[lower] for lower in difflib.get_close_matches(name.lower(), known, 3, 0.4)]
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(SETS)}"
        raise InputError(f"source {printable(text)[:100]!r}: torchvision has no such classification set{hint}")
    name = known[name.lower()]
    choices = (SETS[name].variant or ("", ()))[1]
    if variant.lower() not in (choices if choices and variant else ("",)):
        raise InputError(f"source {printable(text)[:100]!r}: the variants of {name} are {', '.join(choices) or 'none'}")
    return PREFIX + name + (f"/{variant.lower() or choices[0]}" if choices else "")


def fetch_set(source: str, cache: Path) -> tuple[Any, Any, list[str]]:
    """A set's parts as torchvision gives them, downloaded where it is missing.

    Args:
        source: in canonical form.
        cache: where downloads lie; what a killed or failed download left is fetched again, and what a person put there is used.

    Returns:
        The labelled images and the test images (None where there are none) as sequences of (picture or file, number of the
        class), and the names of the classes by number (empty where the numbers stand for themselves).

    Raises:
        EnvironmentFault: no network, a damaged download, a package or disk space is missing.
    """
    from torch.utils.data import ConcatDataset

    name, _, variant = source.removeprefix(PREFIX).partition("/")
    chosen, folder = SETS[name], cache / name
    extra = {chosen.variant[0]: variant} if chosen.variant else {}
    unfinished = cache / f"{name}.unfinished"
    if unfinished.exists():
        shutil.rmtree(folder, ignore_errors=True)
    new = not folder.exists()
    try:
        if new:
            write_bytes(unfinished, b"")
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(sys.stderr):
            labelled = [_made(name, folder, {**extra, **arguments}) for arguments in chosen.labelled]
            test = _made(name, folder, {**extra, **chosen.test}) if chosen.test else None
    except (CommandError, MemoryError):
        raise
    except Exception as error:  # torchvision raises OSError, RuntimeError, ValueError and whatever its parsers do
        if new:
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                cache.rmdir()
        what = " ".join(str(error).split())[:300] or type(error).__name__
        raise EnvironmentFault(
            f"{source}: cannot be downloaded or read ({printable(what)}); without a network, put torchvision's files into {folder}"
        ) from error
    unfinished.unlink(missing_ok=True)
    return ConcatDataset(labelled), test, _class_names(labelled[0]) if chosen.named else []


def _made(name: str, folder: Path, arguments: _Arguments) -> Any:
    from torchvision import datasets

    make: Callable[..., Any] = getattr(datasets, name)
    if "loader" in inspect.signature(make).parameters:
        arguments = {**arguments, "loader": str}  # a part then gives the files themselves
    part = make(str(folder), download=True, **arguments)
    paths, labels = getattr(part, "_images", None), getattr(part, "_labels", None)
    if isinstance(paths, list) and isinstance(labels, list) and isinstance(paths[0], (str, Path)):
        names = _class_names(part)  # OxfordIIITPet opens its files itself; they are wanted as they are
        return _Files(list(zip(paths, labels, strict=True)), names)
    return part


def _class_names(part: Any) -> list[str]:
    names = getattr(part, "classes", None) or getattr(part, "categories", None) or []
    return [str(name[0] if isinstance(name, tuple) else name) for name in names]


SETS: dict[str, TorchvisionSet] = {
    "CIFAR10": _flagged(),
    "CIFAR100": _flagged(),
    "CLEVRClassification": _split("train", test="val", named=False),
    "Caltech101": TorchvisionSet(),
    "Caltech256": TorchvisionSet(),
    "Country211": _split("train", "valid"),
    "DTD": _split("train", "val"),
    "EMNIST": _flagged(variant=("split", ("balanced", "byclass", "bymerge", "letters", "digits", "mnist"))),
    "EuroSAT": TorchvisionSet(),
    "FGVCAircraft": _split("trainval", variant=("annotation_level", ("variant", "family", "manufacturer"))),
    "FashionMNIST": _flagged(),
    "Flowers102": _split("train", "val"),
    "Food101": _split("train"),
    "GTSRB": _split("train", named=False),
    "Imagenette": _split("train", test="val", variant=("size", ("full", "320px", "160px"))),
    "KMNIST": _flagged(),
    "MNIST": _flagged(named=False),
    "OxfordIIITPet": _split("trainval"),
    "PCAM": _split("train", "val", named=False),
    "QMNIST": _flagged(named=False),
    "RenderedSST2": _split("train", "val"),
    "SEMEION": TorchvisionSet(named=False),
    "STL10": _split("train"),
    "SUN397": TorchvisionSet(),
    "SVHN": _split("train", named=False),
    "StanfordCars": _split("train"),
    "USPS": _flagged(named=False),
}
