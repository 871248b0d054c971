"""Where the out-of-fold rows of prediction files lie, and whether they are of the same models."""

from collections.abc import Sequence
from pathlib import Path

from core.ensembling.member_files import MemberFile
from core.errors import InputError, first_few
from core.prediction.oof_records import OofRecord


def oof_candidates(file: MemberFile) -> list[Path]:
    """Where a member's out-of-fold rows may lie: by its file's name, and by the run that its JSON names."""
    record, folder = file.record, file.path.parent
    names = [f"{file.path.stem}.oof.csv"]
    if record is not None and record.title:
        number = record.part.removeprefix("fold")
        names.insert(0, f"{record.title}_fold{number}.oof.csv" if number.isdecimal() else f"{record.title}.oof.csv")
    return [folder / name for name in dict.fromkeys(names)]


def find_oof_files(members: Sequence[MemberFile]) -> list[Path]:
    """The file of out-of-fold rows of each member. Raises InputError where one is missing, or is that of two members."""
    found: list[Path] = []
    missing: list[str] = []
    for file in members:
        candidates = oof_candidates(file)
        there = [path for path in candidates if path.is_file()]
        if there:
            found.append(there[0])
        else:
            missing.append(" or ".join(map(str, candidates)))
    if missing:
        raise InputError(
            f"--oof: no out-of-fold rows {'; '.join(missing)}; training writes them at its end, training --folds all those of all folds"
        )
    twice = [path for path in found if found.count(path) > 1]
    if twice:
        both = [file.path.name for file, path in zip(members, found, strict=True) if path == twice[0]]
        raise InputError(f"{twice[0]}: holds the out-of-fold rows of {first_few(both)} at once; merge one prediction of a run")
    return found


def odd_together(file: MemberFile, path: Path, record: OofRecord | None) -> list[str]:
    """What is odd about rows and prediction together."""
    made = file.record
    if made is None or record is None or not made.title:
        return []
    parts = set(record.runs)
    if made.part != "folds" and made.part not in parts:
        return [f"{file.path}: is of the part {made.part!r}, its out-of-fold rows {path.name} are of {', '.join(sorted(parts))}"]
    epochs = record.runs.get(made.part, ("", made.epochs))[1]
    if made.epochs is not None and epochs != made.epochs:
        return [f"{file.path}: is of the model after {made.epochs} epochs, its out-of-fold rows of that after {epochs}"]
    return []
