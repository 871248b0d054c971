"""Which images are to be predicted, under which ids, and the form of the file that the answers go to."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.images import SUFFIXES
from core.data.layout import ImageIndex, find_pattern, index_images, index_paths, natural_key
from core.errors import InputError, first_few
from core.tables import id_fault, read_unique_ids


@dataclass(frozen=True)
class TargetImages:
    """Images to predict: `paths[i]` is that of `ids[i]`, `contents[i]` the SHA-256 of its file where that is known, and `rows[i]` the id of
    the row that it belongs to where several images may share one."""

    ids: list[str]
    paths: list[Path]
    contents: list[str] | None = None
    rows: list[str] | None = None

    @property
    def row_ids(self) -> list[str]:
        """Of each image the id of its row."""
        return self.ids if self.rows is None else self.rows

    def first(self, count: int | None) -> "TargetImages":
        """At most `count` of them."""
        contents, rows = (column[:count] if column else None for column in (self.contents, self.rows))
        return TargetImages(self.ids[:count], self.paths[:count], contents, rows)


def images_by_template(places: list[Path], template: Path, ids: list[str] | None = None) -> TargetImages:
    """The images of a sample submission's ids, looked for under `places`, in its order.

    Args:
        places: files and folders.
        template: the sample submission.
        ids: those that it asks for where its rows are more than images; None: of its first column.

    Raises:
        InputError: a place is missing or is no image file, or ids have no image.
    """
    ids = read_unique_ids(template) if ids is None else ids
    found: dict[str, Path] = {}
    for root, index in _indices(places):
        pattern = find_pattern(ids, index, "test")
        if pattern is not None:
            found |= {name: root / path for name, path in pattern.resolve(ids, index).items()}
    missing = [name for name in ids if name not in found]
    if missing:
        raise InputError(f"{template}: {len(missing)} ids have no image under {first_few([str(p) for p in places])}: {first_few(missing)}")
    return TargetImages(ids, [found[name] for name in ids])


def images_by_name(places: list[Path], pattern: str = "{id}.*") -> TargetImages:
    """Every image file named or lying under a folder named, in natural order; the id is the name without prefix and suffix.

    Where two files would have one id, the path under the folder without its suffix is the id of all.

    Args:
        places: files and folders.
        pattern: how the ids that the state was trained on became file names: a prefix (`img_{id}.png`) is left away where all
            have it, and a suffix stays where it belonged to the ids (`{id}`).

    Raises:
        InputError: a place is missing or holds no image, or a name cannot be an id.
    """
    found: dict[Path, str] = {}
    for root, index in _indices(places):
        found |= {root / path: path for path in sorted(index.paths, key=natural_key)}
    if not found:
        raise InputError(f"--images {first_few([str(p) for p in places])}: no image files there")
    prefix, _, suffix = Path(pattern).name.partition("{id}")
    stems = [path.stem if suffix else path.name for path in found]
    ids = [stem.removeprefix(prefix) for stem in stems] if all(stem.startswith(prefix) for stem in stems) else stems
    if len(set(ids)) < len(ids):
        ids = [str(Path(path).with_suffix("") if suffix else path) for path in found.values()]
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    faulty = [f"{name} ({fault})" for name in ids if (fault := id_fault(name))]
    if twice or faulty:
        raise InputError(f"--images: names that cannot be ids: {first_few(faulty or [f'{name} (twice)' for name in twice])}")
    return TargetImages(ids, list(found))


def _indices(places: list[Path]) -> Iterator[tuple[Path, ImageIndex]]:
    """The image files in each folder named, and those named one by one, folder by folder."""
    files: dict[Path, list[str]] = defaultdict(list)
    for place in places:
        if place.is_dir():
            yield place, index_images(place)
        elif place.is_file() and place.suffix.lower() in SUFFIXES:
            files[place.parent].append(place.name)
        else:
            raise InputError(f"--images {place}: {'is no image file' if place.exists() else 'no such file or folder'}")
    for folder, names in files.items():
        yield folder, index_paths(names)
