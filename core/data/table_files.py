"""Which CSV files a folder of raw files holds, which one is the sample submission, and files that a flag names."""

import re
from pathlib import Path

from core.errors import InputError, first_few, nearest
from core.tables import read_table, read_unique_ids

_DEPTH = 3
_SAMPLE = "samplesubmission"
_OTHER_SAMPLE = re.compile(
    r"(sample|example)(solution|answer|prediction|result|submit)?s?(format)?|(solution|answer|prediction|submit)s?(sample|example|format|template)"
)


def tables_of(root: Path) -> tuple[list[Path], list[Path]]:
    """The CSV files in a folder: those named as submissions, the most likely sample first; and the others.

    Besides files with `submission` in their name, `sample.csv`, `example_solution.csv` and the like are taken for submissions,
    where there are other files beside them that the labels may stand in.
    """
    found = _tables_in(root, 0)
    submissions = [path for path in found if "submission" in path.name.lower()]
    called_otherwise = [path for path in found if path not in submissions and _is_called_otherwise(path)]
    others = [path for path in found if path not in submissions and path not in called_otherwise]
    if not submissions and others:
        submissions = called_otherwise
    else:
        others = [path for path in found if path not in submissions]
    return sorted(submissions, key=_rank), others


def deeper_tables(root: Path) -> list[Path]:
    """The CSV files one to three folders down, hidden folders left out."""
    return [path for depth in range(1, _DEPTH + 1) for path in _tables_in(root, depth)]


def find_sample(root: Path, wanted: str | None) -> tuple[Path | None, tuple[str, ...]]:
    """The sample submission: the one that is named, else one in the folder itself, else one in a sub-folder.

    One called `sample_submission.csv` (in any spelling) comes before others with `sample` or `example` in their name, and these
    before all else. In a sub-folder only these two count.

    Args:
        root: the folder.
        wanted: what `--sample_submission` says.

    Returns:
        The file, if there is one, and warnings about the files passed over.

    Raises:
        InputError: the one named is not there, or several fit equally well and differ in ids or columns.
    """
    if wanted is not None:
        return named_file(root, wanted, "--sample_submission"), ()
    found = tables_of(root)[0] or sorted((path for path in deeper_tables(root) if _rank(path)[0] < 2), key=_rank)
    if not found:
        return None, ()
    best = [path for path in found if _rank(path)[0] == _rank(found[0])[0]]
    if len(best) > 1 and len({(read_table(path).columns, tuple(read_unique_ids(path))) for path in best}) > 1:
        names = first_few([path.relative_to(root).as_posix() for path in best])
        raise InputError(
            f"{root}: {len(best)} sample submissions differ in ids or columns: {names}; --sample_submission names the one to use"
        )
    over = [path.relative_to(root).as_posix() for path in found if path != found[0]]
    warning = f"{first_few(over)}: not used as the sample submission, {found[0].name} is (--sample_submission)"
    return found[0], (warning,) if over else ()


def named_file(root: Path, text: str, flag: str) -> Path:
    """The file in a folder that a flag names: by its path from there, or by its name alone where only one has it.

    Raises:
        InputError: there is none, there are several, or it lies elsewhere.
    """
    path = root / text
    if path.is_file():
        if not path.resolve().is_relative_to(root.resolve()):
            raise InputError(f"{flag} {text}: a file in {root} is wanted")
        return path if not Path(text).is_absolute() else root / path.resolve().relative_to(root.resolve())
    tables = [*_tables_in(root, 0), *deeper_tables(root)]
    named = [path for path in tables if path.name.lower() == text.lower()]
    if len(named) == 1:
        return named[0]
    shown = [path.relative_to(root).as_posix() for path in named or tables]
    if named:
        raise InputError(f"{flag} {text}: {len(named)} files have this name: {first_few(shown)}")
    raise InputError(f"{flag} {text}: no such file in {root}{nearest(text, shown)}; the CSV files found: {first_few(shown) or 'none'}")


def _tables_in(root: Path, depth: int) -> list[Path]:
    found = (path for path in root.glob("*/" * depth + "*.[cC][sS][vV]") if path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def _rank(path: Path) -> tuple[int, bool, str]:
    """How likely a submission is the sample: its name, then whether it is spelled exactly so, then the order of names."""
    letters = "".join(filter(str.isalnum, path.stem.lower()))
    likely = any(word in letters for word in ("sample", "example")) and ("submission" in letters or _is_called_otherwise(path))
    return 0 if letters == _SAMPLE else 1 if likely else 2, path.name != "sample_submission.csv", str(path)


def _is_called_otherwise(path: Path) -> bool:
    return _OTHER_SAMPLE.fullmatch("".join(filter(str.isalpha, path.stem.lower()))) is not None
