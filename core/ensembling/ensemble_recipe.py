"""A recipe: how several prediction files become one, in plain types, so that it can be done again to the same bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.ensembling.method import Plan
from core.errors import InputError, first_few
from core.files import sha256_file
from core.tables import read_text
from core.task import Task

if TYPE_CHECKING:
    from core.ensembling.member_files import MemberFile

SCHEMA = 1
SINGLE = "single"  # what `method` is called where one member is better than any ensemble


@dataclass(frozen=True)
class RecipeMember:
    """A member's file.

    Attributes:
        name: as the panel calls it.
        path: of the CSV, relative to the recipe's folder where both lie on one disk.
        sha256: of the CSV.
        content_sha256: of the file that its values were read from, the CSV or the probabilities beside it.
    """

    name: str
    path: str
    sha256: str
    content_sha256: str


@dataclass(frozen=True)
class Recipe:
    """How an ensemble is made.

    Attributes:
        method: of `METHODS`, or `single`.
        plan: what was fitted; of `single` the name of the member.
        task: of all members, as `Task.to_plain`.
        members: in the panel's order.
        cuts: that decide on labels; None: the default ones.
        seed: of the fit.
        metric: that it was fitted for; None where nothing was.
        scores: what was measured on the out-of-fold rows, for a reader.
        oof: name -> SHA-256 of the out-of-fold rows that it was fitted on.
    """

    method: str
    plan: Plan
    task: Mapping[str, Any]
    members: Sequence[RecipeMember]
    cuts: Sequence[float] | None = None
    seed: int = 0
    metric: str | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    oof: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file."""
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=2, ensure_ascii=False) + "\n").encode()


def read_recipe(path: Path) -> Recipe:
    """Reads a file that `Recipe.to_bytes` made. Raises InputError where it is none, or of a newer version."""
    try:
        plain = json.loads(read_text(path))
        if plain.pop("schema") != SCHEMA:
            raise ValueError("it is of another version of this project")
        members = tuple(RecipeMember(**{name: str(text) for name, text in member.items()}) for member in plain.pop("members"))
        recipe = Recipe(members=members, **plain)
        Task.from_plain(dict(recipe.task))
        if not members or not isinstance(recipe.method, str) or not isinstance(recipe.plan, dict):
            raise ValueError("it names no members, method or plan")
        return recipe
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path}: is no recipe that merge_predicted wrote ({type(error).__name__}: {error})") from error


def find_recipe_members(recipe: Recipe, path: Path, outputs_dir: Path) -> list[Path]:
    """The files of a recipe's members: at their place relative to the recipe, beside it, or in `outputs_dir`.

    Raises:
        InputError: a file is missing or holds something else than when the recipe was written; it is named.
    """
    found = []
    for member in recipe.members:
        name = Path(member.path).name
        places = list(dict.fromkeys([path.parent / member.path, path.parent / name, outputs_dir / name]))
        there = [place for place in places if place.is_file()]
        if not there:
            raise InputError(f"{path}: its member {member.name} is missing; looked for {first_few([str(place) for place in places])}")
        same = [place for place in there if sha256_file(place) == member.sha256]
        if not same:
            raise InputError(f"{there[0]}: was changed since {path.name} was written (another SHA-256); the recipe is of the earlier file")
        found.append(same[0])
    return found


def check_contents(recipe: Recipe, path: Path, files: "Sequence[MemberFile]") -> None:
    """Raises InputError where the values of a member are read from another file than when the recipe at `path` was written."""
    for member, file in zip(recipe.members, files, strict=True):
        if file.content_sha256 != member.content_sha256:
            beside = file.path.with_suffix(".probabilities.csv")
            raise InputError(f"{beside}: is missing, was changed, or is not vouched for, since {path.name} was written")
