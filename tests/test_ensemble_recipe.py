"""Recipes survive their file to the bit, and find their members again."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ensembling.ensemble_recipe import Recipe, RecipeMember, find_recipe_members, read_recipe
from core.errors import InputError
from core.files import sha256_file
from core.task import Task

TASK = Task(("a", "b")).to_plain()


@given(st.dictionaries(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), max_size=4), st.integers(0, 2**32 - 1))
def test_a_recipe_survives_its_file_to_the_bit(weights: dict[str, float], seed: int) -> None:
    import tempfile

    recipe = Recipe("mean", {"weights": weights}, TASK, (RecipeMember("x", "x.csv", "1", "2"),), [0.1 + 0.2], seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.json"
        path.write_bytes(recipe.to_bytes())
        again = read_recipe(path)
    assert again.plan == recipe.plan
    assert again.to_bytes() == recipe.to_bytes()


@pytest.mark.parametrize("text", ["", "[]", "null", '{"schema": 1}', '{"schema": 9, "members": []}', "{" * 9999])
def test_what_is_no_recipe_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"r\.json: is no recipe"):
        read_recipe(path)


def test_members_are_found_where_they_were_or_beside_or_in_outputs(tmp_path: Path) -> None:
    outputs, elsewhere = tmp_path / "outputs", tmp_path / "elsewhere"
    for folder in (outputs, elsewhere):
        folder.mkdir()
    for name in ("x", "y"):
        (outputs / f"{name}.csv").write_text(name)
    members = [RecipeMember(name, f"gone/{name}.csv", sha256_file(outputs / f"{name}.csv"), "") for name in ("x", "y")]
    recipe, path = Recipe("mean", {}, TASK, members), elsewhere / "r.json"
    assert find_recipe_members(recipe, path, outputs) == [outputs / "x.csv", outputs / "y.csv"]
    (elsewhere / "y.csv").write_text("another")
    assert find_recipe_members(recipe, path, outputs)[1] == outputs / "y.csv"
    (outputs / "x.csv").write_text("changed")
    with pytest.raises(InputError, match=r"x\.csv: was changed"):
        find_recipe_members(recipe, path, outputs)
    (outputs / "x.csv").unlink()
    with pytest.raises(InputError, match="its member x is missing"):
        find_recipe_members(recipe, path, outputs)
