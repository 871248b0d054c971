"""core.data.label_source: what a finder of labels gives, and that every id has an image."""

from pathlib import Path

import pytest

from core.data.label_source import LabelSource, check_all_served
from core.data.label_texts import LabelTexts
from core.data.labels import LabelledIds
from core.data.layout import index_paths
from core.data.matching import Match
from core.errors import InputError

INDEX = index_paths(["t/1.png", "t/2.png"])


def test_every_id_must_have_an_image() -> None:
    match = Match({"1": {"1": "t/1.png"}}, "t/{id}.png")
    assert check_all_served(Path("d/a.csv"), ["1"], match, INDEX) is match
    with pytest.raises(InputError, match=r"d/a\.csv: 2 ids have no image \(t/\{id\}\.png\): 7, 8; --image_pattern"):
        check_all_served(Path("d/a.csv"), ["7", "1", "8"], match, INDEX)
    for nothing in (None, Match({}, "")):
        with pytest.raises(InputError, match=r"d/a\.csv: none of its ids, such as '1', has an image among the 2 under d"):
            check_all_served(Path("d/a.csv"), ["1"], nothing, INDEX)


def test_warnings_add_up() -> None:
    source = LabelSource("a table", LabelledIds(Path("a"), [], [], []), LabelTexts([]), ("id", "l"), Match({}, ""), warnings=("one",))
    assert source.warned("two").warnings == ("one", "two")
