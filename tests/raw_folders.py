"""Folders of raw files as competitions have them: empty files where images would be, and tables."""

from pathlib import Path

from core.data.exploring import RawCompetition, explore
from core.data.settings import SplitSettings


def lay_out(root: Path, images: list[str], **texts: str) -> Path:
    """Empty files where images would be (their content does not matter here), CSV files, and JSON files (`name_json`)."""
    root.mkdir(exist_ok=True, parents=True)
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, text in texts.items():
        path = root / (f"{name.removesuffix('_json')}.json" if name.endswith("_json") else f"{name}.csv")
        path.write_text(text)
    return root


def found(root: Path, images: list[str], settings: SplitSettings | None = None, **texts: str) -> RawCompetition:
    """What is found in such a folder."""
    return explore(lay_out(root, images, **texts), settings or SplitSettings())


def table(header: str, *rows: str) -> str:
    """The text of a CSV file."""
    return "".join(f"{line}\n" for line in (header, *rows))
